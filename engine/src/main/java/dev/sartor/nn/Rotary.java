package dev.sartor.nn;

import dev.sartor.device.Device;
import dev.sartor.op.Rope;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/**
 * Rotary position embedding with its tables of cosines and sines, computed in double precision and
 * made as long as the longest sequence so far needs.
 */
public final class Rotary {
    private final RopeScaling scaling;
    private final int headDim;
    private final boolean interleaved;
    private final Device device;
    private final Scope scope;
    private Tensor cosine;
    private Tensor sine;

    /** @param scope where the tables live */
    public Rotary(RopeScaling scaling, int headDim, boolean interleaved, Device device, Scope scope) {
        this.scaling = scaling;
        this.headDim = headDim;
        this.interleaved = interleaved;
        this.device = device;
        this.scope = scope;
    }

    /**
     * @param x [rows, heads * headDim]
     * @param positions int32, one a row
     * @param positionCount all positions are below it
     */
    public Var forward(Tape tape, Var x, Tensor positions, long positionCount) {
        extend(positionCount);
        return tape.apply(new Rope(cosine, sine, positions, headDim, interleaved), x);
    }

    /** Makes tables for all positions below the count. */
    public void extend(long positionCount) {
        if (cosine != null && cosine.shape().dim(0) >= positionCount) {
            return;
        }
        double[] frequencies = scaling.frequencies();
        var spec = TensorSpec.of(DType.FLOAT32, positionCount, frequencies.length);
        cosine = scope.allocate(spec);
        sine = scope.allocate(spec);
        if (!device.hasValues()) {
            return;
        }
        try (var arena = Arena.ofConfined()) {
            var cosines = arena.allocate(spec.bytes(), 4);
            var sines = arena.allocate(spec.bytes(), 4);
            long at = 0;
            for (long position = 0; position < positionCount; position++) {
                for (double frequency : frequencies) {
                    cosines.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) (scaling.attentionFactor() * Math.cos(position * frequency)));
                    sines.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) (scaling.attentionFactor() * Math.sin(position * frequency)));
                    at++;
                }
            }
            device.write(cosines, cosine);
            device.write(sines, sine);
        }
    }
}
