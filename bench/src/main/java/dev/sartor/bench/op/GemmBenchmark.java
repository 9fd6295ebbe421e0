package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.bench.peer.OneDnn;
import dev.sartor.bench.peer.OneDnnMatmul;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * y = x W^T beside oneDNN's matmul on the same numbers: the weight is packed once by either side
 * before the time starts, x and y are plain row-major.
 */
public class GemmBenchmark extends KernelBenchmark {
    /** Rows of x, features in, features out. */
    @Param({"2048x2048x2048", "512x2048x5632", "512x896x4864", "1024x768x768", "1024x768x2048"})
    public String shape;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Tensor x;
    private Tensor weight;
    private Tensor y;
    private Program gemm;

    /** oneDNN's side, opened only by the benchmark that uses it. */
    @State(Scope.Benchmark)
    public static class Peer {
        private OneDnn library;
        private OneDnnMatmul matmul;

        @Setup
        public void open(GemmBenchmark ours) {
            library = OneDnn.load();
            matmul = new OneDnnMatmul(library, ours.device(), ours.x, ours.weight);
            matmul.run();
            ours.submit(ours.gemm);
            requireSame(ours.floats(ours.y), matmul.y());
        }

        @TearDown
        public void close() {
            matmul.close();
            library.close();
        }

        /** Two products that differ are not worth comparing. */
        private static void requireSame(float[] ours, float[] theirs) {
            if (ours.length != theirs.length) {
                throw new IllegalStateException("oneDNN's product has " + theirs.length + " elements, ours " + ours.length);
            }
            float largest = 0;
            for (float value : theirs) {
                largest = Math.max(largest, Math.abs(value));
            }
            for (int i = 0; i < ours.length; i++) {
                if (!(Math.abs(ours[i] - theirs[i]) <= 0.01f * largest)) {
                    throw new IllegalStateException("element " + i + " of the product: oneDNN " + theirs[i] + ", ours " + ours[i]);
                }
            }
        }
    }

    @Override
    protected void prepare() {
        long[] sizes = Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        x = normal(dtype, sizes[0], sizes[1]);
        weight = normal(dtype, sizes[2], sizes[1]);
        y = zeros(dtype, sizes[0], sizes[2]);
        var kernel = new LoraLinear(x, packed(weight), null, null, null, y, null, null, 0, 0, 0);
        var work = Work.of(2.0 * sizes[0] * sizes[1] * sizes[2], kernel);
        gemm = measured("sartor", work, kernel);
        measured("oneDnn", work, kernel);
    }

    @Benchmark
    public void sartor() {
        submit(gemm);
    }

    @Benchmark
    public void oneDnn(Peer peer) {
        peer.matmul.run();
    }
}
