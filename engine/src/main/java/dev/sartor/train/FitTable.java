package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.device.Matrix;
import dev.sartor.model.Recompute;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Vector;
import dev.sartor.tape.Layouts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;

/**
 * What fits: the memory of a model's training by method, batch shape and recomputation. Every cell is what
 * {@link MemoryPlan#of} says, found with less work: which storages of a step live together does not depend
 * on the batch, and their sizes grow linearly with its tokens.
 */
public final class FitTable {
    /**
     * A way to train.
     *
     * @param name for people, such as {@code LoRA r16}
     * @param options its start is taken as {@link TrainingSetup.Start#PLAN}
     */
    public record Method(String name, TrainingSetup.Options options) {}

    /** One combination, with what it needs. */
    public record Cell(String method, BatchShape shape, Recompute recompute, MemoryPlan plan) {}

    private FitTable() {}

    /**
     * @param shapes of micro-batches
     * @return a cell for each method, level of recomputation and shape, in this order
     */
    public static List<Cell> of(Device device, List<Method> methods, TrainingArguments arguments, List<BatchShape> shapes)
            throws IOException {
        var layouts = new Layouts();
        List<Planned> planned = List.of();
        try {
            planned = methods.parallelStream().map(method -> Planned.of(device, method, arguments, shapes)).toList();
            var steps = new ArrayList<Step>();
            for (var alike : alike(planned)) {
                for (var recompute : Recompute.values()) {
                    steps.add(new Step(alike, recompute));
                }
            }
            steps.parallelStream().forEach(step -> step.plan(device, shapes, layouts));
            return planned.stream().flatMap(each -> each.cells(shapes).stream()).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } finally {
            planned.forEach(Planned::close);
        }
    }

    /** Methods whose steps differ in nothing but how the base model's weights are stored, together. */
    private static List<List<Planned>> alike(List<Planned> planned) {
        var groups = new ArrayList<List<Planned>>();
        for (var each : planned) {
            groups.stream().filter(group -> group.getFirst().method.options.hasStepOf(each.method.options)).findFirst().orElseGet(() -> {
                groups.add(new ArrayList<>());
                return groups.getLast();
            }).add(each);
        }
        return groups;
    }

    /** The step of methods that share it. */
    private record Step(List<Planned> methods, Recompute recompute) {
        void plan(Device device, List<BatchShape> shapes, Layouts layouts) {
            var small = new BatchShape(least(shapes, BatchShape::rows), least(shapes, BatchShape::length));
            var large = new BatchShape(most(shapes, BatchShape::rows), most(shapes, BatchShape::length));
            var recorded = methods.getFirst();
            var sizes = new StepShapes(recorded.setup.model(), recompute, small, large, layouts);
            long[] slabs = shapes.stream().mapToLong(sizes::slab).toArray();
            for (var method : methods) {
                method.slabs[recompute.ordinal()] = slabs;
                // The kernels are the same however often they run.
                if (recompute == Recompute.NONE) {
                    method.scratch = sizes.scratch(shapes, device, method.weightsFor(recorded));
                }
            }
        }

        private static int least(List<BatchShape> shapes, ToIntFunction<BatchShape> size) {
            return shapes.stream().mapToInt(size).min().orElseThrow();
        }

        private static int most(List<BatchShape> shapes, ToIntFunction<BatchShape> size) {
            return shapes.stream().mapToInt(size).max().orElseThrow();
        }
    }

    /** A method with its model and trainer as far as they can be without memory. */
    private static final class Planned implements AutoCloseable {
        private final Method method;
        private final TrainingSetup setup;
        private final Trainer trainer;
        private final long weights;
        /** Bytes of what each length needs beside the weights. */
        private final Map<Integer, Long> tables = new HashMap<>();
        /** By recomputation and shape. */
        private final long[][] slabs = new long[Recompute.values().length][];
        private long[] scratch;

        private Planned(Method method, TrainingSetup setup, Trainer trainer, List<BatchShape> shapes) {
            this.method = method;
            this.setup = setup;
            this.trainer = trainer;
            weights = setup.model().weightBytes();
            // From short to long, since a longer table serves a shorter one too.
            for (int length : shapes.stream().mapToInt(BatchShape::length).distinct().sorted().toArray()) {
                long before = setup.model().weightBytes();
                setup.model().lm().prepare(length);
                tables.put(length, setup.model().weightBytes() - before);
            }
        }

        /** @throws UncheckedIOException if config.json cannot be read, or a file not be mapped */
        static Planned of(Device device, Method method, TrainingArguments arguments, List<BatchShape> shapes) {
            try {
                var setup = new TrainingSetup(device, method.options.planned());
                return new Planned(method, setup, MemoryPlan.planning(setup, arguments), shapes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** This method's weight in the place of another's. */
        UnaryOperator<Matrix> weightsFor(Planned recorded) {
            var own = setup.model().slots().modules();
            var others = recorded.setup.model().slots().modules();
            Map<Matrix, Matrix> weights = new IdentityHashMap<>();
            for (int i = 0; i < own.size(); i++) {
                if (matrix(own.get(i)) != null) {
                    weights.put(matrix(others.get(i)), matrix(own.get(i)));
                }
            }
            return weight -> Objects.requireNonNull(weights.get(weight), "a weight of no module");
        }

        private static Matrix matrix(Module module) {
            return switch (module) {
                case Linear linear -> linear.weight().matrix();
                case Embedding embedding -> embedding.weight().matrix();
                case Norm norm -> null;
                case Vector vector -> null;
            };
        }

        List<Cell> cells(List<BatchShape> shapes) {
            long parameters = setup.trainedParameters();
            var cells = new ArrayList<Cell>();
            for (var recompute : Recompute.values()) {
                for (int i = 0; i < shapes.size(); i++) {
                    cells.add(new Cell(method.name, shapes.get(i), recompute, new MemoryPlan(
                            weights + tables.get(shapes.get(i).length()), setup.model().mappedBytes(), setup.stateBytes(),
                            trainer.stateBytes(), slabs[recompute.ordinal()][i], scratch[i], parameters, trainer.stateFileBytes())));
                }
            }
            return cells;
        }

        @Override
        public void close() {
            trainer.close();
            setup.close();
        }
    }
}
