package dev.sartor.backend.reference;

import dev.sartor.tensor.Tensor;
import java.lang.foreign.ValueLayout;

/** What changes from one optimizer step to the next. */
record Schedule(double learningRate, int step) {
    static Schedule read(Tensor schedule, Operands use) {
        use.require(schedule != null && schedule.spec().bytes() == 8,
                "schedule must be 8 bytes: a float32 learning rate and an int32 step");
        var memory = use.segment(schedule);
        int step = memory.get(ValueLayout.JAVA_INT_UNALIGNED, 4);
        use.require(step >= 1, "the schedule's step is " + step + "; it counts from 1");
        return new Schedule(memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0), step);
    }

    /** Elements of a gradient, with the clip coefficient that it is multiplied with. */
    static double[] gradient(Tensor gradient, Tensor scale, int elements, Operands use) {
        double factor = scale == null ? 1 : use.read("gradientScale", scale, 1)[0];
        double[] values = use.read("gradient", gradient, elements);
        for (int i = 0; i < elements; i++) {
            values[i] *= factor;
        }
        return values;
    }
}
