package dev.sartor.backend.cpu;

import dev.sartor.bindings.cpu.sartor_activation;
import dev.sartor.bindings.cpu.sartor_activation_backward;
import dev.sartor.bindings.cpu.sartor_add;
import dev.sartor.bindings.cpu.sartor_convert;
import dev.sartor.bindings.cpu.sartor_dropout;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_jitter;
import dev.sartor.bindings.cpu.sartor_zero;
import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Dropout;
import dev.sartor.device.kernel.Jitter;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;

/** Kernels that treat each element alike. */
final class EncodeElementwise {
    private EncodeElementwise() {}

    static void activation(Activation k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("gate", k.gate());
        long count = a.count("gate", k.gate());
        sartor_activation.gate(s, a.in("gate", k.gate(), dtype, count));
        sartor_activation.up(s, a.inOrNull("up", k.up(), dtype, count));
        sartor_activation.y(s, a.out("y", k.y(), dtype, count));
        sartor_activation.count(s, count);
        sartor_activation.kind(s, kind(k.kind(), a));
        sartor_activation.dtype(s, a.code("gate", dtype));
    }

    static void activationBackward(ActivationBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dy", k.dy());
        long count = a.count("dy", k.dy());
        a.require((k.up() == null) == (k.dUp() == null), "dUp", "a tensor where up is one, else none",
                k.dUp() == null ? "none" : k.dUp().spec());
        sartor_activation_backward.dy(s, a.in("dy", k.dy(), dtype, count));
        sartor_activation_backward.gate(s, a.in("gate", k.gate(), dtype, count));
        sartor_activation_backward.up(s, a.inOrNull("up", k.up(), dtype, count));
        sartor_activation_backward.d_gate(s, a.out("dGate", k.dGate(), dtype, count));
        sartor_activation_backward.d_up(s, a.outOrNull("dUp", k.dUp(), dtype, count));
        sartor_activation_backward.count(s, count);
        sartor_activation_backward.kind(s, kind(k.kind(), a));
        sartor_activation_backward.dtype(s, a.code("dy", dtype));
    }

    static void add(Add k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("a", k.a());
        long count = a.count("a", k.a());
        sartor_add.a(s, a.in("a", k.a(), dtype, count));
        sartor_add.b(s, a.inOrNull("b", k.b(), dtype, count));
        sartor_add.y(s, a.out("y", k.y(), dtype, count));
        sartor_add.count(s, count);
        sartor_add.alpha(s, a.finite("alpha", k.alpha()));
        sartor_add.beta(s, a.finite("beta", k.beta()));
        sartor_add.dtype(s, a.code("a", dtype));
        a.mayBeInPlace("y", "a", "b");
    }

    static void dropout(Dropout k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long count = a.count("x", k.x());
        sartor_dropout.x(s, a.in("x", k.x(), dtype, count));
        sartor_dropout.y(s, a.out("y", k.y(), dtype, count));
        sartor_dropout.rng(s, a.rng(k.rng()));
        sartor_dropout.count(s, count);
        sartor_dropout.site(s, k.site());
        sartor_dropout.probability(s, a.belowOne("probability", k.probability()));
        sartor_dropout.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_dropout.dtype(s, a.code("x", dtype));
    }

    static void jitter(Jitter k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long count = a.count("x", k.x());
        sartor_jitter.x(s, a.in("x", k.x(), dtype, count));
        sartor_jitter.y(s, a.out("y", k.y(), dtype, count));
        sartor_jitter.rng(s, a.rng(k.rng()));
        sartor_jitter.count(s, count);
        sartor_jitter.site(s, k.site());
        sartor_jitter.noise(s, a.belowOne("noise", k.noise()));
        sartor_jitter.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_jitter.dtype(s, a.code("x", dtype));
    }

    static void convert(Convert k, Arguments a) {
        var s = a.struct();
        var from = floatType("x", k.x(), a);
        var to = floatType("y", k.y(), a);
        long count = a.count("x", k.x());
        sartor_convert.x(s, a.inUnaligned("x", k.x(), from, count));
        sartor_convert.y(s, a.out("y", k.y(), to, count));
        sartor_convert.count(s, count);
        sartor_convert.x_dtype(s, a.code("x", from));
        sartor_convert.y_dtype(s, a.code("y", to));
    }

    static void zero(Zero k, Arguments a) {
        var s = a.struct();
        sartor_zero.y(s, a.outBytes("y", k.y()));
        sartor_zero.bytes(s, k.y().spec().bytes());
    }

    private static DType floatType(String name, Tensor tensor, Arguments a) {
        var dtype = a.present(name, tensor).dtype();
        a.require(dtype.isFloat() && dtype != DType.FLOAT64, name, "float32, bfloat16 or float16", tensor.spec());
        return dtype;
    }

    private static int kind(ActivationKind kind, Arguments a) {
        return switch (a.present("kind", kind)) {
            case SILU -> sartor_h.SARTOR_SILU();
            case GELU -> sartor_h.SARTOR_GELU();
            case GELU_TANH -> sartor_h.SARTOR_GELU_TANH();
            case RELU -> sartor_h.SARTOR_RELU();
            case CLAMPED_SWISH -> sartor_h.SARTOR_CLAMPED_SWISH();
        };
    }
}
