package dev.sartor.backend.reference;

import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.AdamW8Bit;
import dev.sartor.device.kernel.Clip;
import dev.sartor.device.kernel.Lion;
import dev.sartor.device.kernel.MuonMomentum;
import dev.sartor.device.kernel.MuonUpdate;
import dev.sartor.device.kernel.ScheduleFreeAdamW;
import dev.sartor.device.kernel.ScheduleFreeWeight;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Steps of optimizers, and clipping by the global norm. */
final class Optimizers {
    private Optimizers() {}

    static void clip(Clip k, Operands use) {
        double norm = Math.sqrt(use.read("sumSquares", k.sumSquares(), 1)[0]);
        double coefficient = k.maxNorm() > 0 ? Math.min(1, k.maxNorm() / (norm + 1e-6)) : 1;
        use.write("norm", k.norm(), new double[] {norm});
        use.write("coefficient", k.coefficient(), new double[] {coefficient});
    }

    // AdamW (Loshchilov and Hutter 2019) in PyTorch's order

    static void adamW(AdamW k, Operands use) {
        double[] p = use.read("parameter", k.parameter());
        double[] m = use.read("m", k.m(), p.length);
        double[] v = use.read("v", k.v(), p.length);
        adamW(p, Schedule.gradient(k.gradient(), k.gradientScale(), p.length, use), m, v, Schedule.read(k.schedule(), use),
                k.beta1(), k.beta2(), k.epsilon(), k.weightDecay());
        use.write("m", k.m(), m);
        use.write("v", k.v(), v);
        use.write("parameter", k.parameter(), p);
    }

    private static void adamW(
            double[] p, double[] g, double[] m, double[] v, Schedule schedule, double beta1, double beta2, double epsilon,
            double weightDecay) {
        double mCorrection = 1 - Math.pow(beta1, schedule.step());
        double vCorrection = 1 - Math.pow(beta2, schedule.step());
        for (int i = 0; i < p.length; i++) {
            p[i] *= 1 - schedule.learningRate() * weightDecay;
            m[i] = beta1 * m[i] + (1 - beta1) * g[i];
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            p[i] -= schedule.learningRate() / mCorrection * m[i] / (Math.sqrt(v[i] / vCorrection) + epsilon);
        }
    }

    static void adamW8Bit(AdamW8Bit k, Operands use) {
        double[] p = use.read("parameter", k.parameter());
        double[] m = decoded("m", k.m(), "mAbsmax", k.mAbsmax(), DynamicMap.SIGNED, p.length, use);
        double[] v = decoded("v", k.v(), "vAbsmax", k.vAbsmax(), DynamicMap.UNSIGNED, p.length, use);
        adamW(p, Schedule.gradient(k.gradient(), k.gradientScale(), p.length, use), m, v, Schedule.read(k.schedule(), use),
                k.beta1(), k.beta2(), k.epsilon(), k.weightDecay());
        encode(m, k.m(), "mAbsmax", k.mAbsmax(), DynamicMap.SIGNED, use);
        encode(v, k.v(), "vAbsmax", k.vAbsmax(), DynamicMap.UNSIGNED, use);
        use.write("parameter", k.parameter(), p);
    }

    private static double[] decoded(
            String name, Tensor codes, String absmaxName, Tensor absmax, DynamicMap map, int elements, Operands use) {
        double[] scales = use.read(absmaxName, absmax, AdamW8Bit.blocks(elements));
        var memory = codes(name, codes, elements, use);
        var values = new double[elements];
        for (int i = 0; i < elements; i++) {
            values[i] = map.value(memory.get(ValueLayout.JAVA_BYTE, i) & 0xFF) * scales[i / AdamW8Bit.BLOCK];
        }
        return values;
    }

    private static void encode(double[] values, Tensor codes, String absmaxName, Tensor absmax, DynamicMap map, Operands use) {
        var memory = use.segment(codes);
        var scales = new double[(int) AdamW8Bit.blocks(values.length)];
        for (int i = 0; i < values.length; i++) {
            int block = i / AdamW8Bit.BLOCK;
            scales[block] = Math.max(scales[block], Math.abs(values[i]));
        }
        for (int i = 0; i < values.length; i++) {
            double scale = scales[i / AdamW8Bit.BLOCK];
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) map.nearest(scale == 0 ? 0 : values[i] / scale));
        }
        use.write(absmaxName, absmax, scales);
    }

    private static MemorySegment codes(String name, Tensor codes, int elements, Operands use) {
        use.requireElements(name, codes, elements);
        use.require(codes.dtype() == DType.UINT8, name + " is " + codes.spec() + ", expected uint8");
        return use.segment(codes);
    }

    // Lion (Chen et al. 2023, algorithm 2)

    static void lion(Lion k, Operands use) {
        double[] p = use.read("parameter", k.parameter());
        double[] g = Schedule.gradient(k.gradient(), k.gradientScale(), p.length, use);
        double[] m = use.read("m", k.m(), p.length);
        double learningRate = Schedule.read(k.schedule(), use).learningRate();
        for (int i = 0; i < p.length; i++) {
            double direction = Math.signum(k.beta1() * m[i] + (1 - (double) k.beta1()) * g[i]);
            p[i] -= learningRate * (direction + k.weightDecay() * p[i]);
            m[i] = k.beta2() * m[i] + (1 - (double) k.beta2()) * g[i];
        }
        use.write("m", k.m(), m);
        use.write("parameter", k.parameter(), p);
    }

    // Schedule-free AdamW (Defazio et al. 2024)

    static void scheduleFreeWeight(ScheduleFreeWeight k, Operands use) {
        var schedule = Schedule.read(k.schedule(), use);
        double[] state = use.read("state", k.state(), 2);
        state[0] = Math.max(state[0], schedule.learningRate());
        double weight = Math.pow(schedule.step(), k.r()) * Math.pow(state[0], k.weightLrPower());
        state[1] += weight;
        use.write("state", k.state(), state);
        use.write("weight", k.weight(), new double[] {state[1] > 0 ? weight / state[1] : 0});
    }

    static void scheduleFreeAdamW(ScheduleFreeAdamW k, Operands use) {
        double[] y = use.read("y", k.y());
        double[] g = Schedule.gradient(k.gradient(), k.gradientScale(), y.length, use);
        double[] z = use.read("z", k.z(), y.length);
        double[] v = use.read("v", k.v(), y.length);
        var schedule = Schedule.read(k.schedule(), use);
        double weight = use.read("weight", k.weight(), 1)[0];
        double correction = 1 - Math.pow(k.beta2(), schedule.step());
        double beta1 = k.beta1();
        for (int i = 0; i < y.length; i++) {
            v[i] = k.beta2() * v[i] + (1 - (double) k.beta2()) * g[i] * g[i];
            double step = g[i] / (Math.sqrt(v[i] / correction) + k.epsilon()) + k.weightDecay() * y[i];
            y[i] += weight * (z[i] - y[i]) + schedule.learningRate() * (beta1 * (1 - weight) - 1) * step;
            z[i] -= schedule.learningRate() * step;
        }
        use.write("v", k.v(), v);
        use.write("y", k.y(), y);
        use.write("z", k.z(), z);
    }

    // Muon (Jordan et al. 2024)

    static void muonMomentum(MuonMomentum k, Operands use) {
        double[] buffer = use.read("buffer", k.buffer());
        double[] g = Schedule.gradient(k.gradient(), k.gradientScale(), buffer.length, use);
        var direction = new double[buffer.length];
        double squares = 0;
        for (int i = 0; i < buffer.length; i++) {
            buffer[i] += (1 - (double) k.momentum()) * (g[i] - buffer[i]);
            direction[i] = k.nesterov() ? g[i] + k.momentum() * (buffer[i] - g[i]) : buffer[i];
            squares += direction[i] * direction[i];
        }
        use.write("buffer", k.buffer(), buffer);
        use.write("direction", k.direction(), Products.scaled(direction, 1 / Math.max(Math.sqrt(squares), k.epsilon())));
    }

    static void muonUpdate(MuonUpdate k, Operands use) {
        double[] p = use.read("parameter", k.parameter());
        double[] direction = use.read("direction", k.direction(), p.length);
        double learningRate = Schedule.read(k.schedule(), use).learningRate();
        for (int i = 0; i < p.length; i++) {
            p[i] -= learningRate * (k.weightDecay() * p[i] + k.ratio() * direction[i]);
        }
        use.write("parameter", k.parameter(), p);
    }
}
