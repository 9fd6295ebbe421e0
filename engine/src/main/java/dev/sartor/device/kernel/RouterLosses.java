package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The load-balancing loss over all layers' routers, as Transformers' load_balancing_loss_func computes it (Fedus et
 * al. 2021, section 2.2), and the z-loss (Zoph et al. 2022, section 3.3), with their gradient.
 *
 * @param tokenWeights [rows] float32, such as 0 for padding, or null for 1
 * @param scale [1] float32: what the gradient is multiplied by beside the coefficients; or null for 1
 * @param losses [2] float32: load-balancing loss and z-loss, without coefficients
 */
public record RouterLosses(
        List<Layer> layers, Tensor tokenWeights, Tensor scale, Tensor losses, int topK, float auxLossCoef, float zLossCoef)
        implements Kernel {
    /**
     * @param logits [rows, experts]
     * @param dLogits as logits, or null; written
     */
    public record Layer(Tensor logits, Tensor dLogits) {}

    public RouterLosses {
        layers = List.copyOf(layers);
    }

    @Override
    public List<Tensor> reads() {
        var reads = new ArrayList<>(Kernel.present(tokenWeights, scale));
        layers.forEach(layer -> reads.add(layer.logits));
        return reads;
    }

    @Override
    public List<Tensor> writes() {
        var writes = new ArrayList<>(Kernel.present(losses));
        layers.forEach(layer -> writes.addAll(Kernel.present(layer.dLogits)));
        return writes;
    }

    @Override
    public RouterLosses with(Substitution change) {
        return new RouterLosses(
                layers.stream().map(each -> new Layer(change.of(each.logits), change.of(each.dLogits))).toList(),
                change.of(tokenWeights), change.of(scale), change.of(losses), topK, auxLossCoef, zLossCoef);
    }
}
