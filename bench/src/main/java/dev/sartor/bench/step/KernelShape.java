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
            case LoraLinear k -> new KernelShape(k.name(),
                    k.projections().stream().map(p -> product(k.x(), p.weight()) + rank(p.loraA())).collect(Collectors.joining(", ")),
                    k.projections().stream()
                            .mapToDouble(p -> flops(k.x(), p.weight()) + adapter(k.x(), p.weight(), p.loraA(), 1))
                            .sum(), bytes);
            case LoraLinearBackward k -> new KernelShape(k.name(),
                    k.projections().stream().map(p -> product(p.dy(), p.weight()) + rank(p.loraA())).collect(Collectors.joining(", "))
                            + (k.dx() == null ? "" : k.accumulate() ? " dx+" : " dx"),
                    k.projections().stream().mapToDouble(p -> backward(k, p)).sum(), bytes);
            case LinearCrossEntropy k -> new KernelShape(k.name(), product(k.x(), k.weight()),
                    flops(k.x(), k.weight()) * (1 + (k.dx() == null ? 0 : 1) + (k.dWeight() == null ? 0 : 1)), bytes);
            default -> new KernelShape(kernel.name(),
                    kernel.writes().stream().limit(2).map(each -> each.spec().toString()).collect(Collectors.joining(" ")), 0, bytes);
        };
    }

    private static double backward(LoraLinearBackward k, LoraLinearBackward.Projection p) {
        return (k.dx() == null ? 0 : flops(p.dy(), p.weight()))
                + adapter(p.dy(), p.weight(), p.loraA(), k.dx() == null ? 1.5 : 2)
                + (p.dWeight() == null ? 0 : flops(p.dy(), p.weight()));
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
