package dev.sartor.tape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Eager;
import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PlannerTest {
    private final ReferenceDevice device = new ReferenceDevice();
    private final Scope scope = new Scope(Scope.Kind.STATE, device);

    @AfterEach
    void close() {
        scope.close();
        device.close();
    }

    private static Tensor tensor(long elements) {
        return Tensor.unplaced(TensorSpec.of(DType.FLOAT32, elements));
    }

    private static Recording recording(Set<Storage> results, Kernel... kernels) {
        return new Recording(Stream.of(kernels).map(kernel -> new Instruction(kernel, "here")).toList(), results);
    }

    /** Lives are found here by looking at the instructions alone. */
    @Test
    void storagesAliveTogetherNeverOverlap() {
        for (int seed = 0; seed < 200; seed++) {
            var random = new Random(seed);
            var tensors = new ArrayList<Tensor>(List.of(tensor(1)));
            var kernels = new ArrayList<Kernel>(List.of(new Zero(tensors.getFirst())));
            for (int i = 0; i < (seed < 190 ? 40 : 300); i++) {
                var from = tensors.get(random.nextInt(tensors.size()));
                var to = tensor(from.shape().elements());
                boolean fresh = random.nextBoolean();
                if (fresh) {
                    to = tensor(1 + random.nextInt(400));
                }
                kernels.add(fresh ? new Zero(to) : new Add(from, null, to, 1, 0));
                tensors.add(to);
            }
            var results = Set.of(tensors.getLast().storage(), tensors.get(20).storage());
            var plan = Planner.plan(recording(results, kernels.toArray(Kernel[]::new)), device);
            check(plan, results);
        }
    }

    private static void check(Plan plan, Set<Storage> results) {
        Map<Storage, int[]> lives = new HashMap<>();
        int end = plan.instructions().size();
        for (int i = 0; i < end; i++) {
            int now = i;
            var kernel = plan.instructions().get(i).kernel();
            Stream.concat(kernel.reads().stream(), kernel.writes().stream())
                    .forEach(t -> lives.computeIfAbsent(t.storage(), s -> new int[] {now, now})[1] = now);
        }
        results.forEach(result -> lives.get(result)[1] = end);
        assertEquals(lives.keySet(), plan.offsets().keySet());
        long least = 0;
        for (int i = 0; i <= end; i++) {
            int now = i;
            least = Math.max(least, lives.entrySet().stream().filter(e -> e.getValue()[0] <= now && now <= e.getValue()[1])
                    .mapToLong(e -> Memory.align(e.getKey().bytes())).sum());
        }
        assertEquals(least, plan.leastBytes());
        assertTrue(plan.slabBytes() >= least && plan.slabBytes() <= 1.5 * least, plan.slabBytes() + " for " + least);
        for (var a : lives.entrySet()) {
            for (var b : lives.entrySet()) {
                boolean together = a.getValue()[0] <= b.getValue()[1] && b.getValue()[0] <= a.getValue()[1];
                if (a.getKey() != b.getKey() && together) {
                    long from = plan.offsets().get(a.getKey());
                    long other = plan.offsets().get(b.getKey());
                    assertTrue(from + a.getKey().bytes() <= other || other + b.getKey().bytes() <= from, "overlap");
                }
            }
        }
    }

    @Test
    void whatNobodyReadsIsNotComputed() {
        var kept = tensor(4);
        var dead = tensor(4);
        var alsoDead = tensor(4);
        var persistent = scope.allocate(TensorSpec.of(DType.FLOAT32, 4));
        var plan = Planner.plan(recording(Set.of(), new Zero(kept), new Add(kept, null, dead, 1, 0), new Add(dead, null, alsoDead, 1, 0),
                new Add(kept, persistent, persistent, 1, 1)), device);
        assertEquals(List.of("Zero", "Add"), plan.instructions().stream().map(each -> each.kernel().name()).toList());
        assertEquals(Set.of(kept.storage()), plan.offsets().keySet());
    }

    @Test
    void readingWhatNothingWroteIsAnError() {
        var persistent = scope.allocate(TensorSpec.of(DType.FLOAT32, 4));
        var recording = recording(Set.of(), new Add(tensor(4), null, persistent, 1, 0));
        var refused = assertThrows(IllegalStateException.class, () -> Planner.plan(recording, device));
        assertTrue(refused.getMessage().startsWith("Add at here reads a float32[4]"), refused.getMessage());
    }

    /** Plans share a slab that grows; those prepared before it grew still run, and keep their results. */
    @Test
    void workspaceGrows() {
        try (var workspace = new Workspace(device); var arena = Arena.ofConfined()) {
            var in = scope.allocate(TensorSpec.of(DType.FLOAT32, 100));
            device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, new float[] {3}), in.slice(0, 1));
            var plans = new ArrayList<Workspace.Prepared>();
            var outs = new ArrayList<Tensor>();
            for (int size : new int[] {10, 100, 1}) {
                var middle = tensor(size);
                var out = tensor(size);
                outs.add(out);
                plans.add(workspace.prepare(Planner.plan(recording(Set.of(out.storage()),
                        new Add(in.slice(0, size), null, middle, 2, 0), new Add(middle, middle, out, 1, size)), device)));
                for (int i = 0; i < plans.size(); i++) {
                    plans.get(i).run();
                    long elements = outs.get(i).shape().elements();
                    assertEquals(6 * (1 + elements), Eager.floats(device, outs.get(i))[0]);
                    assertTrue(plans.get(i).findNonFinite().isEmpty());
                }
                long slab = plans.stream().mapToLong(each -> each.plan().slabBytes()).max().orElseThrow();
                assertEquals(slab + Memory.ALIGNMENT, workspace.bytes());
            }
        }
    }
}
