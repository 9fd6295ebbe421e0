package dev.sartor.op;

import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * What norms with a residual share: the outputs are the norm and the sum that was normalized, and the
 * sum's gradient reaches both of its terms.
 */
final class Residual {
    static final int NORMED = 0;
    static final int SUM = 1;

    private Residual() {}

    /** The norm of x, and the sum where the optional input is there. */
    static List<TensorSpec> outputs(Op op, TensorSpec x, TensorSpec residual) {
        if (residual == null) {
            return List.of(x);
        }
        Check.that(x.equals(residual), op, "x %s and residual %s differ", x, residual);
        return List.of(x, x);
    }

    /** What was normalized. */
    static Tensor normalized(Frame f, int residual) {
        return f.input(residual) == null ? f.input(0) : f.output(SUM);
    }

    /** Where the gradient of what was normalized goes. */
    static Gradient gradient(Frame f, int residual) {
        boolean sum = f.needsGradient(residual);
        if (!f.needsGradient(0) && !sum) {
            return new Gradient(null, false);
        }
        return f.input(residual) == null ? f.gradient(0) : new Gradient(f.temporary(f.input(0).spec()), false);
    }

    /** What reached the sum beside the norm, or null. */
    static Tensor beside(Frame f, int residual) {
        return f.input(residual) == null ? null : f.outputGradient(SUM);
    }

    /** Hands the gradient of the sum to both of its terms. */
    static void pass(Frame f, int residual, Tensor gradient) {
        if (f.input(residual) == null || gradient == null) {
            return;
        }
        for (int term : new int[] {0, residual}) {
            if (f.needsGradient(term)) {
                f.passGradient(term, gradient);
            }
        }
    }
}
