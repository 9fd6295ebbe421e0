package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;

/** Activation functions with their derivatives, alone or gating (Shazeer 2020). */
final class Activations {
    private static final double GELU_CUBIC = 0.044715;
    /** Of GPT-OSS. */
    private static final double ALPHA = 1.702;
    private static final double LIMIT = 7;
    private static final double ROOT_TWO_OVER_PI = Math.sqrt(2 / Math.PI);

    private Activations() {}

    static void forward(Activation k, Operands use) {
        double[] gate = use.read("gate", k.gate());
        double[] up = use.readOptional("up", k.up(), gate.length);
        var y = new double[gate.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = value(k.kind(), gate[i]) * (up == null ? 1 : through(k.kind(), up[i]));
        }
        use.write("y", k.y(), y);
    }

    static void backward(ActivationBackward k, Operands use) {
        use.require((k.up() == null) == (k.dUp() == null), "up and dUp are given both or neither");
        double[] gate = use.read("gate", k.gate());
        double[] up = use.readOptional("up", k.up(), gate.length);
        double[] dy = use.read("dy", k.dy(), gate.length);
        var dGate = new double[gate.length];
        var dUp = new double[gate.length];
        for (int i = 0; i < gate.length; i++) {
            dGate[i] = dy[i] * derivative(k.kind(), gate[i]) * (up == null ? 1 : through(k.kind(), up[i]));
            dUp[i] = up == null ? 0 : dy[i] * value(k.kind(), gate[i]) * throughDerivative(k.kind(), up[i]);
        }
        use.write("dGate", k.dGate(), dGate);
        use.write("dUp", k.dUp(), dUp);
    }

    static double value(ActivationKind kind, double x) {
        return switch (kind) {
            case SILU -> x * sigmoid(x);
            case GELU -> x * normalCdf(x);
            case GELU_TANH -> x * 0.5 * (1 + Math.tanh(ROOT_TWO_OVER_PI * (x + GELU_CUBIC * x * x * x)));
            case RELU -> Double.isNaN(x) || x > 0 ? x : 0;
            case CLAMPED_SWISH -> Math.min(x, LIMIT) * sigmoid(ALPHA * Math.min(x, LIMIT));
        };
    }

    static double derivative(ActivationKind kind, double x) {
        return switch (kind) {
            case SILU -> sigmoid(x) * (1 + x * (1 - sigmoid(x)));
            case GELU -> normalCdf(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
            case GELU_TANH -> {
                double tanh = Math.tanh(ROOT_TWO_OVER_PI * (x + GELU_CUBIC * x * x * x));
                double inner = ROOT_TWO_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
                yield 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * inner;
            }
            case RELU -> x > 0 ? 1 : 0;
            case CLAMPED_SWISH -> x > LIMIT ? 0 : sigmoid(ALPHA * x) * (1 + ALPHA * x * (1 - sigmoid(ALPHA * x)));
        };
    }

    /** What a gate multiplies. */
    private static double through(ActivationKind kind, double up) {
        return kind == ActivationKind.CLAMPED_SWISH ? Math.clamp(up, -LIMIT, LIMIT) + 1 : up;
    }

    private static double throughDerivative(ActivationKind kind, double up) {
        return kind == ActivationKind.CLAMPED_SWISH && Math.abs(up) > LIMIT ? 0 : 1;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** (1 + erf(x / sqrt 2)) / 2, without cancellation in the lower tail. */
    static double normalCdf(double x) {
        double z = Math.abs(x) / Math.sqrt(2);
        double upperTail = z < 2 ? 0.5 - 0.5 * erfBySeries(z) : 0.5 * erfcByFraction(z);
        return x < 0 ? upperTail : 1 - upperTail;
    }

    /** Abramowitz and Stegun 7.1.6: 2/sqrt(pi) exp(-z^2) times the sum of 2^n z^(2n+1) / (2n+1)!!. */
    private static double erfBySeries(double z) {
        double term = z;
        double sum = z;
        for (int n = 1; term > 1e-18 * sum; n++) {
            term *= 2 * z * z / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-z * z) * sum;
    }

    /** Abramowitz and Stegun 7.1.14, evaluated from a depth that is ample for z of at least 2. */
    private static double erfcByFraction(double z) {
        double fraction = z;
        for (int n = 100; n > 0; n--) {
            fraction = z + n / 2.0 / fraction;
        }
        return Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction;
    }
}
