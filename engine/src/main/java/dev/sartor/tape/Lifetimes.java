package dev.sartor.tape;

import dev.sartor.device.Instruction;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which storages of a recording live from when to when: from the first instruction that touches them to
 * the last. That depends on a model's wiring alone; how large they are, on the batch. So one recording
 * can be laid out for many sizes.
 */
public final class Lifetimes {
    /** Instructions to a stretch of time; most storages live within one. */
    private static final int STRETCH = 64;

    private final List<Instruction> instructions;
    private final List<Storage> storages = new ArrayList<>();
    private final int[] first;
    private final int[] last;

    private Lifetimes(List<Use> uses, Recording recording) {
        var lives = new Lives();
        for (var argument : recording.arguments()) {
            lives.touch(argument, 0);
        }
        var counted = new Instruction[uses.size()];
        for (int now = 0; now < counted.length; now++) {
            var use = uses.get(now);
            counted[now] = use.instruction;
            for (var read : use.reads) {
                if (!read.storage().isPlaced() && !lives.index.containsKey(read.storage())) {
                    throw new IllegalStateException(use.instruction.kernel().name() + " at " + use.instruction.where()
                            + " reads a " + read.spec() + " that nothing wrote");
                }
            }
            for (var written : use.writes) {
                lives.touch(written.storage(), now);
            }
            for (var read : use.reads) {
                lives.touch(read.storage(), now);
            }
        }
        for (var result : recording.results()) {
            if (lives.index.containsKey(result)) {
                lives.touch(result, counted.length);
            }
        }
        instructions = List.of(counted);
        first = Arrays.copyOf(lives.first, storages.size());
        last = Arrays.copyOf(lives.last, storages.size());
    }

    /** An instruction, with its kernel's lists made once. */
    private record Use(Instruction instruction, List<Tensor> reads, List<Tensor> writes) {}

    private final class Lives {
        private final Map<Storage, Integer> index = new IdentityHashMap<>();
        private int[] first = new int[1024];
        private int[] last = new int[1024];

        void touch(Storage storage, int now) {
            if (storage.isPlaced()) {
                return;
            }
            var known = index.get(storage);
            int at = known == null ? storages.size() : known;
            if (known == null) {
                index.put(storage, at);
                storages.add(storage);
                if (at == first.length) {
                    first = Arrays.copyOf(first, 2 * at);
                    last = Arrays.copyOf(last, 2 * at);
                }
                first[at] = now;
            }
            last[at] = now;
        }
    }

    /** The lives of a recording's storages, without instructions whose results nobody reads. */
    public static Lifetimes of(Recording recording) {
        return new Lifetimes(withoutDead(recording), recording);
    }

    /** Drops instructions whose results nobody reads, such as the last op of a block computed again. */
    private static List<Use> withoutDead(Recording recording) {
        Set<Storage> wanted = Collections.newSetFromMap(new IdentityHashMap<>());
        wanted.addAll(recording.results());
        var alive = new ArrayList<Use>(recording.instructions().size());
        for (int i = recording.instructions().size() - 1; i >= 0; i--) {
            var instruction = recording.instructions().get(i);
            var writes = instruction.kernel().writes();
            boolean used = false;
            for (var written : writes) {
                used |= written.storage().isPlaced() || wanted.contains(written.storage());
            }
            if (used) {
                var reads = instruction.kernel().reads();
                alive.add(new Use(instruction, reads, writes));
                for (var read : reads) {
                    if (!read.storage().isPlaced()) {
                        wanted.add(read.storage());
                    }
                }
            }
        }
        Collections.reverse(alive);
        return alive;
    }

    /** The instructions that count. */
    public List<Instruction> instructions() {
        return instructions;
    }

    /** The storages that need a place, in the order in which they are first touched. */
    public List<Storage> storages() {
        return Collections.unmodifiableList(storages);
    }

    /** Of each storage, the instruction that touches it first. */
    int[] first() {
        return first;
    }

    /** Of each storage, the instruction that touches it last. */
    int[] last() {
        return last;
    }

    /** Bytes of each storage, as recorded. */
    public long[] bytes() {
        return storages.stream().mapToLong(Storage::bytes).toArray();
    }

    /** The most bytes that are alive at one time: what no layout can beat. */
    public long alive(long[] bytes) {
        long[] change = new long[instructions.size() + 2];
        for (int i = 0; i < bytes.length; i++) {
            long size = Memory.align(bytes[i]);
            change[first[i]] += size;
            change[last[i] + 1] -= size;
        }
        long now = 0;
        long most = 0;
        for (long delta : change) {
            now += delta;
            most = Math.max(most, now);
        }
        return most;
    }

    /**
     * A place for each storage in one slab: those alive together never overlap. Placing the large ones
     * first, each at the lowest free offset, reaches what is alive, or comes within a few percent of it
     * (Pisarchyk and Lee 2020, "greedy by size").
     *
     * @param bytes of each storage
     */
    public Layout place(long[] bytes) {
        // By stretch of time the storages placed so far, in order of their offsets; and all of them. A
        // storage that lives in one stretch need look at those of that stretch only.
        var order = bySize(bytes);
        var decisions = new Decisions();
        var all = new Placed(bytes.length, decisions);
        var stretches = new Placed[instructions.size() / STRETCH + 1];
        long[] offsets = new long[bytes.length];
        for (int each : order) {
            long size = Memory.align(bytes[each]);
            int begin = first[each] / STRETCH;
            int end = last[each] / STRETCH;
            for (int s = begin; s <= end; s++) {
                if (stretches[s] == null) {
                    stretches[s] = new Placed(16, decisions);
                }
            }
            var among = begin == end ? stretches[begin] : all;
            offsets[each] = among.lowestGap(first[each], last[each], size);
            all.add(first[each], last[each], offsets[each], size);
            for (int s = begin; s <= end; s++) {
                stretches[s].add(first[each], last[each], offsets[each], size);
            }
        }
        long slab = 0;
        for (int i = 0; i < bytes.length; i++) {
            decisions.add(order[i]);
            slab = Math.max(slab, offsets[i] + Memory.align(bytes[i]));
        }
        return new Layout(offsets, slab, decisions.digest);
    }

    /**
     * Places for storages.
     *
     * @param offsets in bytes
     * @param bytes of the slab
     * @param decisions a digest of how all comparisons of sizes and offsets came out on the way. Where sizes
     *     are linear in some number, and two of its values led to the same decisions, so does every one
     *     between: the difference of what is compared is linear too, and has the same sign there. Offsets
     *     are then linear as well.
     */
    public record Layout(long[] offsets, long bytes, long decisions) {}

    private static final class Decisions {
        private long digest;

        void add(int outcome) {
            digest = digest * 0x9E3779B97F4A7C15L + outcome + 1;
        }
    }

    /** Numbers of the storages, largest first; equal ones in order of time, so a plan is the same every time. */
    private static int[] bySize(long[] bytes) {
        var order = new Integer[bytes.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        // A stable sort.
        Arrays.sort(order, (a, b) -> Long.compare(Memory.align(bytes[b]), Memory.align(bytes[a])));
        int[] sorted = new int[order.length];
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] = order[i];
        }
        return sorted;
    }

    /** Placed storages in order of their offsets; plain arrays, for this is where the time goes. */
    private static final class Placed {
        private final Decisions decisions;
        private int count;
        private int[] first;
        private int[] last;
        private long[] start;
        private long[] end;

        Placed(int capacity, Decisions decisions) {
            this.decisions = decisions;
            first = new int[capacity];
            last = new int[capacity];
            start = new long[capacity];
            end = new long[capacity];
        }

        long lowestGap(int from, int to, long size) {
            long at = 0;
            for (int i = 0; i < count; i++) {
                if (first[i] <= to && from <= last[i]) {
                    if (at + size <= start[i]) {
                        decisions.add(i);
                        break;
                    }
                    if (end[i] > at) {
                        decisions.add(i);
                        at = end[i];
                    }
                }
            }
            return at;
        }

        void add(int from, int to, long at, long size) {
            if (count == start.length) {
                int larger = 2 * count;
                first = Arrays.copyOf(first, larger);
                last = Arrays.copyOf(last, larger);
                start = Arrays.copyOf(start, larger);
                end = Arrays.copyOf(end, larger);
            }
            int slot = Arrays.binarySearch(start, 0, count, at);
            slot = slot < 0 ? -slot - 1 : slot;
            decisions.add(slot);
            int behind = count - slot;
            System.arraycopy(first, slot, first, slot + 1, behind);
            System.arraycopy(last, slot, last, slot + 1, behind);
            System.arraycopy(start, slot, start, slot + 1, behind);
            System.arraycopy(end, slot, end, slot + 1, behind);
            first[slot] = from;
            last[slot] = to;
            start[slot] = at;
            end[slot] = at + size;
            count++;
        }
    }
}
