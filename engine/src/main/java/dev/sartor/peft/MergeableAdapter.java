package dev.sartor.peft;

import dev.sartor.device.Device;
import dev.sartor.nn.Adapter;
import dev.sartor.tensor.Tensor;

/** An adapter that a change of the layer's weight can stand for. */
public interface MergeableAdapter extends Adapter {
    /**
     * Begins to merge.
     *
     * @param stored the base weight as its file has it: [out, in], or [in, out] if transposed
     */
    WeightMerge merge(Device device, Tensor stored, boolean transposed);
}
