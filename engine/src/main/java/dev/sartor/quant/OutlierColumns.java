package dev.sartor.quant;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.kernel.Convert;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Columns of a weight (features in) that would spoil the 8-bit scale of every row: those whose largest
 * magnitude exceeds six standard deviations of the matrix, at most one in 64, the largest first. After
 * LLM.int8 (Dettmers et al. 2022), which does so for activations.
 */
final class OutlierColumns {
    private static final double DEVIATIONS = 6;
    private static final long SHARE = 64;

    private OutlierColumns() {}

    /**
     * @param source [rows, columns], or [columns, rows] if transposed
     * @return ascending
     */
    static int[] find(Device device, String name, DenseSource source, long rows, long columns, boolean transposed) {
        float[] largest = new float[Math.toIntExact(columns)];
        double sum = 0;
        double squares = 0;
        long height = source.spec().shape().dim(0);
        int width = Math.toIntExact(source.spec().shape().dim(1));
        long block = Eager.blockRows(height, width);
        for (long first = 0; first < height; first += block) {
            float[] values = rows(device, name, source.rows(first, Math.min(block, height - first)));
            for (int i = 0; i < values.length; i++) {
                int column = transposed ? Math.toIntExact(first + i / width) : i % width;
                largest[column] = Math.max(largest[column], Math.abs(values[i]));
                sum += values[i];
                squares += (double) values[i] * values[i];
            }
        }
        double count = (double) rows * columns;
        double deviation = Math.sqrt(Math.max(0, squares / count - sum / count * (sum / count)));
        return IntStream.range(0, largest.length)
                .filter(column -> largest[column] > DEVIATIONS * deviation)
                .boxed()
                .sorted(Comparator.comparing(column -> -largest[column]))
                .limit(columns / SHARE)
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }

    private static float[] rows(Device device, String name, Tensor stored) {
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var values = temporary.allocate(new TensorSpec(DType.FLOAT32, stored.shape()));
            Eager.run(device, name, new Convert(stored, values));
            return Eager.floats(device, values);
        }
    }
}
