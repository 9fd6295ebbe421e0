package dev.sartor.bench.step;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LinearCrossEntropy;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.Tensor;
import java.util.stream.Collectors;

/**
 * A kernel with the shapes of what it works on.
 *
 * @param flops of one call's matrix products; 0 where it has none or, as attention, depends on masks
 * @param bytes that one call reads and writes if each tensor is touched once
 */
record KernelShape(String kernel, String shape, double flops, double bytes) {
    static KernelShape of(Kernel kernel) {
        double bytes = kernel.reads().stream().mapToDouble(each -> each.spec().bytes()).sum()
                + kernel.writes().stream().mapToDouble(each -> each.spec().bytes()).sum();
        return switch (kernel) {
            case LoraLinear k -> new KernelShape(k.name(), product(k.x(), k.weight()) + rank(k.loraA()),
                    flops(k.x(), k.weight()) + adapter(k.x(), k.weight(), k.loraA(), 1), bytes);
            case LoraLinearBackward k -> new KernelShape(k.name(),
                    product(k.dy(), k.weight()) + rank(k.loraA()) + (k.dx() == null ? "" : k.accumulate() ? " dx+" : " dx"),
                    (k.dx() == null ? 0 : flops(k.dy(), k.weight())) + adapter(k.dy(), k.weight(), k.loraA(), k.dx() == null ? 1.5 : 2)
                            + (k.dWeight() == null ? 0 : flops(k.dy(), k.weight())), bytes);
            case LinearCrossEntropy k -> new KernelShape(k.name(), product(k.x(), k.weight()),
                    flops(k.x(), k.weight()) * (1 + (k.dx() == null ? 0 : 1) + (k.dWeight() == null ? 0 : 1)), bytes);
            default -> new KernelShape(kernel.name(),
                    kernel.writes().stream().limit(2).map(each -> each.spec().toString()).collect(Collectors.joining(" ")), 0, bytes);
        };
    }

    private static String product(Tensor x, Matrix w) {
        return x.shape().rows() + " x " + w.columns() + " -> " + w.rows();
    }

    private static String rank(Tensor a) {
        return a == null ? "" : " r" + a.shape().dim(0);
    }

    private static double flops(Tensor x, Matrix w) {
        return 2.0 * x.shape().rows() * w.rows() * w.columns();
    }

    /** Of an adapter's products, each of which is done `times`. */
    private static double adapter(Tensor x, Matrix w, Tensor a, double times) {
        return a == null ? 0 : 2.0 * x.shape().rows() * a.shape().dim(0) * (w.rows() + w.columns()) * times;
    }
}
