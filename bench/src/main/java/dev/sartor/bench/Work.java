package dev.sartor.bench;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Tensor;
import java.util.stream.Stream;

/**
 * What a kernel cannot do without, from which the report derives rates and the roof above them.
 *
 * @param flops floating-point operations of its matrix products, a multiply-add being two; 0 where
 *     it has none, and only memory can hold it up
 * @param bytes read and written, each operand once
 */
public record Work(double flops, double bytes) {
    /** The bytes are those of all that the kernels say they read, and of all that they write. */
    public static Work of(double flops, Kernel... kernels) {
        return new Work(flops, Stream.of(kernels)
                .flatMap(kernel -> Stream.concat(kernel.reads().stream(), kernel.writes().stream()))
                .mapToDouble(tensor -> tensor.spec().bytes())
                .sum());
    }

    /** Of memory alone. */
    public static Work streaming(Kernel kernel) {
        return of(0, kernel);
    }

    /** The same where these tensors, which the kernel writes, are read by it as well. */
    public Work updating(Tensor... tensors) {
        return new Work(flops, bytes + Stream.of(tensors).mapToDouble(tensor -> tensor.spec().bytes()).sum());
    }
}
