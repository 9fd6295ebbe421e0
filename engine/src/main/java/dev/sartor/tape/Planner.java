package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Lays out a recording's memory. A storage lives from the first instruction that touches it to the
 * last; storages whose lives overlap get disjoint places in one slab. Placing the large ones first,
 * each at the lowest free offset, comes within a few percent of the peak that is alive (Pisarchyk and
 * Lee 2020, "greedy by size").
 */
public final class Planner {
    private Planner() {}

    public static Plan plan(Recording recording, Device device) {
        var instructions = withoutDead(recording);
        var lives = new Lives(instructions, recording);
        long[] offset = lives.place();
        Map<Storage, Long> offsets = new IdentityHashMap<>();
        long slab = 0;
        for (int i = 0; i < lives.count(); i++) {
            offsets.put(lives.storages.get(i), offset[i]);
            slab = Math.max(slab, offset[i] + lives.size[i]);
        }
        long scratch = instructions.stream().mapToLong(device::scratchBytes).max().orElse(0);
        return new Plan(instructions, offsets, slab, Memory.align(scratch), lives.alive(instructions.size()));
    }

    /** Drops instructions whose results nobody reads, such as the last op of a block computed again. */
    private static List<Instruction> withoutDead(Recording recording) {
        Set<Storage> wanted = Collections.newSetFromMap(new IdentityHashMap<>());
        wanted.addAll(recording.results());
        var alive = new ArrayList<Instruction>();
        for (var instruction : recording.instructions().reversed()) {
            boolean used = instruction.kernel().writes().stream()
                    .map(Tensor::storage)
                    .anyMatch(storage -> wanted.contains(storage) || isPersistent(storage));
            if (used) {
                alive.add(instruction);
                instruction.kernel().reads().forEach(tensor -> wanted.add(tensor.storage()));
            }
        }
        return List.copyOf(alive.reversed());
    }

    private static boolean isPersistent(Storage storage) {
        return storage.isPlaced();
    }

    /** Which storages live from when to when: column {@code i} of all arrays is one of them. */
    private static final class Lives {
        private final List<Storage> storages = new ArrayList<>();
        private final int[] first;
        private final int[] last;
        private final long[] size;

        Lives(List<Instruction> instructions, Recording recording) {
            Map<Storage, Integer> index = new IdentityHashMap<>();
            var from = new ArrayList<Integer>();
            var to = new ArrayList<Integer>();
            for (int now = 0; now < instructions.size(); now++) {
                var instruction = instructions.get(now);
                var kernel = instruction.kernel();
                for (var read : kernel.reads()) {
                    if (!isPersistent(read.storage()) && !index.containsKey(read.storage())) {
                        if (!recording.arguments().contains(read.storage())) {
                            throw new IllegalStateException(kernel.name() + " at " + instruction.where() + " reads a "
                                    + read.spec() + " that nothing wrote");
                        }
                        touch(read.storage(), 0, index, from, to);
                    }
                }
                for (var written : kernel.writes()) {
                    touch(written.storage(), now, index, from, to);
                }
                for (var read : kernel.reads()) {
                    touch(read.storage(), now, index, from, to);
                }
            }
            for (var result : recording.results()) {
                var at = index.get(result);
                if (at != null) {
                    to.set(at, instructions.size());
                }
            }
            first = from.stream().mapToInt(Integer::intValue).toArray();
            last = to.stream().mapToInt(Integer::intValue).toArray();
            size = storages.stream().mapToLong(storage -> Memory.align(storage.bytes())).toArray();
        }

        private void touch(Storage storage, int now, Map<Storage, Integer> index, List<Integer> from, List<Integer> to) {
            if (isPersistent(storage)) {
                return;
            }
            var at = index.get(storage);
            if (at == null) {
                index.put(storage, storages.size());
                storages.add(storage);
                from.add(now);
                to.add(now);
            } else {
                to.set(at, now);
            }
        }

        int count() {
            return storages.size();
        }

        /** The most bytes that are alive at one time. */
        long alive(int instructions) {
            long[] change = new long[instructions + 2];
            for (int i = 0; i < count(); i++) {
                change[first[i]] += size[i];
                change[last[i] + 1] -= size[i];
            }
            long now = 0;
            long most = 0;
            for (long delta : change) {
                now += delta;
                most = Math.max(most, now);
            }
            return most;
        }

        /** Numbers of the storages, largest first; equal ones in order of time, so a plan is the same every time. */
        private int[] bySize() {
            return IntStream.range(0, count()).boxed()
                    .sorted(Comparator.<Integer>comparingLong(i -> -size[i]).thenComparingInt(i -> i))
                    .mapToInt(Integer::intValue)
                    .toArray();
        }

        /** An offset for each. */
        long[] place() {
            int n = count();
            long[] offset = new long[n];
            // Those placed so far in order of their offsets: plain arrays, for the inner loop runs n * n / 2 times at worst.
            int[] placedFirst = new int[n];
            int[] placedLast = new int[n];
            long[] placedStart = new long[n];
            long[] placedEnd = new long[n];
            int placed = 0;
            for (int each : bySize()) {
                long at = 0;
                for (int p = 0; p < placed; p++) {
                    if (placedFirst[p] <= last[each] && first[each] <= placedLast[p]) {
                        if (at + size[each] <= placedStart[p]) {
                            break;
                        }
                        at = Math.max(at, placedEnd[p]);
                    }
                }
                offset[each] = at;
                int slot = Arrays.binarySearch(placedStart, 0, placed, at);
                slot = slot < 0 ? -slot - 1 : slot;
                int behind = placed - slot;
                System.arraycopy(placedFirst, slot, placedFirst, slot + 1, behind);
                System.arraycopy(placedLast, slot, placedLast, slot + 1, behind);
                System.arraycopy(placedStart, slot, placedStart, slot + 1, behind);
                System.arraycopy(placedEnd, slot, placedEnd, slot + 1, behind);
                placedFirst[slot] = first[each];
                placedLast[slot] = last[each];
                placedStart[slot] = at;
                placedEnd[slot] = at + size[each];
                placed++;
            }
            return offset;
        }
    }
}
