package dev.sartor.peft;

import dev.sartor.device.Device;
import dev.sartor.device.Matrix;
import dev.sartor.nn.Adapter;

/** An adapter that a change of the layer's weight can stand for. */
public interface MergeableAdapter extends Adapter {
    /**
     * Begins to merge.
     *
     * @param base the base weight, in whatever way it is stored: [out, in], or row-major [in, out] if transposed
     */
    WeightMerge merge(Device device, Matrix base, boolean transposed);
}
