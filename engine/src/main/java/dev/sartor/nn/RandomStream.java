package dev.sartor.nn;

import dev.sartor.device.Device;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/**
 * The state of the counter-based random stream that dropout and sampling read: a seed and a step.
 * The same two numbers give the same draws, so a resumed run needs nothing else.
 */
public final class RandomStream {
    private final Device device;
    private final Tensor tensor;
    private final long seed;

    public RandomStream(Device device, Scope scope, long seed) {
        this.device = device;
        this.seed = seed;
        this.tensor = scope.allocate(TensorSpec.of(DType.INT64, 2));
        setStep(0);
    }

    /** Seed and step, two int64: what kernels read. */
    public Tensor tensor() {
        return tensor;
    }

    public long seed() {
        return seed;
    }

    /** Moves to another set of draws. */
    public void setStep(long step) {
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_LONG, seed, step), tensor);
        }
    }
}
