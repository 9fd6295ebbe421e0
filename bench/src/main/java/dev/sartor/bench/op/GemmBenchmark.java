package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.bench.peer.OneDnn;
import dev.sartor.bench.peer.OneDnnMatmul;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.tensor.DType;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.TearDown;

/**
 * y = x W^T by turns with oneDNN's matmul on the same numbers: the weight is packed once by either
 * side before the time starts, x and y are plain row-major.
 */
public class GemmBenchmark extends KernelBenchmark {
    /** Rows of x, features in, features out. */
    @Param({"2048x2048x2048", "512x2048x5632", "512x896x4864", "1024x768x768", "1024x768x2048"})
    public String shape;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program gemm;
    private OneDnn library;
    private OneDnnMatmul peer;

    @Override
    protected void prepare() {
        long[] sizes = Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        var x = normal(dtype, sizes[0], sizes[1]);
        var weight = normal(dtype, sizes[2], sizes[1]);
        var y = zeros(dtype, sizes[0], sizes[2]);
        double flops = 2.0 * sizes[0] * sizes[1] * sizes[2];
        var kernel = new LoraLinear(x, packed(weight), null, null, null, y, null, null, 0, 0, 0);
        gemm = measured("product", Work.of(flops, kernel), kernel);
        if (!OneDnn.isPresent()) {
            System.out.println("oneDNN's library is not on the class path: ours is measured alone");
            return;
        }
        library = OneDnn.load();
        peer = new OneDnnMatmul(library, device(), x, weight);
        peer.run();
        submit(gemm);
        requireSame(floats(y), peer.y());
        beside("product", flops, peer::run);
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

    @Benchmark
    public void product() {
        submit(gemm);
    }

    @TearDown
    public void closePeer() {
        if (peer != null) {
            peer.close();
            library.close();
        }
    }
}
