package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Activation.class, ActivationBackward.class})
class ActivationContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(ActivationKind.values()).flatMap(kind -> Stream.of(true, false).flatMap(
                gated -> kernel(kind + " " + size + " " + dtype + (gated ? " gated" : ""), Tolerance.elementwise(dtype),
                        f -> new Activation(
                                f.random(dtype, size.count()), gated ? f.random(dtype, size.count()) : null,
                                f.output("y", dtype, size.count()), kind)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return grid((size, dtype) -> Stream.of(ActivationKind.values()).flatMap(kind -> Stream.of(true, false).flatMap(
                gated -> kernel(kind + " " + size + " " + dtype + (gated ? " gated" : ""), Tolerance.elementwise(dtype),
                        f -> new ActivationBackward(
                                f.random(dtype, size.count()), f.random(dtype, size.count()),
                                gated ? f.random(dtype, size.count()) : null, f.output("dGate", dtype, size.count()),
                                gated ? f.output("dUp", dtype, size.count()) : null, kind)))));
    }

    /** Where exponentials overflow and tails vanish. */
    @TestFactory
    Stream<DynamicTest> extremes() {
        double[] x = {-1e30, -1000, -88.8, -40, -12, -5.5, -0.0, 0, 1e-30, 5.5, 12, 40, 88.8, 1000, 1e30};
        return Stream.of(ActivationKind.values()).flatMap(kind -> types().flatMap(dtype -> Stream.concat(
                kernel(kind + " " + dtype, Tolerance.elementwise(dtype).ofElement(1e-6), f -> new Activation(
                        f.values(dtype, x, x.length), null, f.output("y", dtype, x.length), kind)),
                kernel(kind + " " + dtype + " backward", Tolerance.elementwise(dtype).ofElement(1e-6), f ->
                        new ActivationBackward(
                                f.random(dtype, x.length), f.values(dtype, x, x.length), null,
                                f.output("dGate", dtype, x.length), null, kind)))));
    }

    /** Beyond the bounds of a clamped gate and of what it lets through. */
    @TestFactory
    Stream<DynamicTest> clamped() {
        double[] x = {-30, -7.5, -7, -1, 0, 1, 6.9, 7, 7.5, 30};
        double[] gate = new double[x.length * x.length];
        double[] up = new double[x.length * x.length];
        for (int i = 0; i < gate.length; i++) {
            gate[i] = x[i / x.length];
            up[i] = x[i % x.length];
        }
        return types().flatMap(dtype -> Stream.concat(
                kernel(dtype + "", Tolerance.elementwise(dtype), f -> new Activation(f.values(dtype, gate, gate.length),
                        f.values(dtype, up, up.length), f.output("y", dtype, up.length), ActivationKind.CLAMPED_SWISH)),
                kernel(dtype + " backward", Tolerance.elementwise(dtype), f -> new ActivationBackward(
                        f.random(dtype, up.length), f.values(dtype, gate, gate.length), f.values(dtype, up, up.length),
                        f.output("dGate", dtype, up.length), f.output("dUp", dtype, up.length), ActivationKind.CLAMPED_SWISH))));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        // Away from zero, where the derivative of ReLU jumps.
        return Stream.of(ActivationKind.values()).flatMap(kind -> Stream.of(true, false).flatMap(
                gated -> op(kind + (gated ? " gated" : ""), Tolerance::chain, (g, dtype) -> {
                    double[] gate = Arrays.stream(g.gaussians(5, 33)).map(v -> v + Math.copySign(0.1, v)).toArray();
                    var x = g.activationOf(dtype, gate, 5, 33);
                    var op = new dev.sartor.op.Activation(kind);
                    g.output(gated ? g.tape().apply(op, x, g.activation(dtype, 5, 33)) : g.tape().apply(op, x));
                })));
    }
}
