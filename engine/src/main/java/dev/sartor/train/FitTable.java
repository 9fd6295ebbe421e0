package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.model.Recompute;
import dev.sartor.tape.Layouts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;

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
        try {
            return methods.parallelStream().flatMap(method -> {
                try {
                    return cells(device, method, arguments, shapes, layouts).stream();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static List<Cell> cells(
            Device device, Method method, TrainingArguments arguments, List<BatchShape> shapes, Layouts layouts) throws IOException {
        try (var setup = new TrainingSetup(device, method.options.planned());
                var trainer = MemoryPlan.planning(setup, arguments)) {
            var tables = rotaryTables(setup, shapes);
            long weights = setup.model().weightBytes() - tables.values().stream().mapToLong(Long::longValue).sum();
            var small = new BatchShape(least(shapes, BatchShape::rows), least(shapes, BatchShape::length));
            var large = new BatchShape(most(shapes, BatchShape::rows), most(shapes, BatchShape::length));
            long parameters = setup.trainedParameters();
            Map<BatchShape, Long> scratch = new HashMap<>();
            return Stream.of(Recompute.values()).flatMap(recompute -> {
                var step = new StepShapes(setup.model(), recompute, small, large, layouts);
                // The kernels are the same however often they run.
                shapes.forEach(shape -> scratch.computeIfAbsent(shape, key -> step.scratch(key, device)));
                return shapes.stream().map(shape -> new Cell(method.name, shape, recompute, new MemoryPlan(
                        weights + tables.get(shape.length()), setup.model().mappedBytes(), setup.stateBytes(),
                        trainer.stateBytes(), step.slab(shape), scratch.get(shape), parameters, trainer.stateFileBytes())));
            }).toList();
        }
    }

    /** Bytes of what each length needs beside the weights: from short to long, since a longer table serves a shorter one too. */
    private static Map<Integer, Long> rotaryTables(TrainingSetup setup, List<BatchShape> shapes) {
        Map<Integer, Long> tables = new HashMap<>();
        for (int length : shapes.stream().mapToInt(BatchShape::length).distinct().sorted().toArray()) {
            long before = setup.model().weightBytes();
            setup.model().lm().prepare(length);
            tables.put(length, setup.model().weightBytes() - before);
        }
        return tables;
    }

    private static int least(List<BatchShape> shapes, ToIntFunction<BatchShape> size) {
        return shapes.stream().mapToInt(size).min().orElseThrow();
    }

    private static int most(List<BatchShape> shapes, ToIntFunction<BatchShape> size) {
        return shapes.stream().mapToInt(size).max().orElseThrow();
    }
}
