package dev.sartor.backend.reference;

import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.Clip;
import java.lang.foreign.ValueLayout;

/** AdamW (Loshchilov and Hutter 2019) in PyTorch's order, and clipping by the global norm. */
final class Optimizers {
    private Optimizers() {}

    static void clip(Clip k, Operands use) {
        double norm = Math.sqrt(use.read("sumSquares", k.sumSquares(), 1)[0]);
        double coefficient = k.maxNorm() > 0 ? Math.min(1, k.maxNorm() / (norm + 1e-6)) : 1;
        use.write("norm", k.norm(), new double[] {norm});
        use.write("coefficient", k.coefficient(), new double[] {coefficient});
    }

    static void adamW(AdamW k, Operands use) {
        double[] p = use.read("parameter", k.parameter());
        double[] g = use.read("gradient", k.gradient(), p.length);
        double[] m = use.read("m", k.m(), p.length);
        double[] v = use.read("v", k.v(), p.length);
        double gradientScale = k.gradientScale() == null ? 1 : use.read("gradientScale", k.gradientScale(), 1)[0];
        use.require(k.schedule() != null && k.schedule().spec().bytes() == 8,
                "schedule must be 8 bytes: a float32 learning rate and an int32 step");
        double learningRate = use.segment(k.schedule()).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
        int step = use.segment(k.schedule()).get(ValueLayout.JAVA_INT_UNALIGNED, 4);
        use.require(step >= 1, "the schedule's step is " + step + "; it counts from 1");
        double mCorrection = 1 - Math.pow(k.beta1(), step);
        double vCorrection = 1 - Math.pow(k.beta2(), step);
        for (int i = 0; i < p.length; i++) {
            double gradient = g[i] * gradientScale;
            p[i] *= 1 - learningRate * k.weightDecay();
            m[i] = k.beta1() * m[i] + (1 - (double) k.beta1()) * gradient;
            v[i] = k.beta2() * v[i] + (1 - (double) k.beta2()) * gradient * gradient;
            p[i] -= learningRate / mCorrection * m[i] / (Math.sqrt(v[i] / vCorrection) + k.epsilon());
        }
        use.write("m", k.m(), m);
        use.write("v", k.v(), v);
        use.write("parameter", k.parameter(), p);
    }
}
