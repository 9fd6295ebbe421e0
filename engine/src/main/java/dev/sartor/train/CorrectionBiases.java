package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.SparseMoe;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Balances experts without a loss (Wang et al. 2024; DeepSeek-V3, section 2.1.2): after each step the correction bias
 * of an expert with more than its even share of the step's assignments falls, that of one with less rises, by a fixed rate.
 */
final class CorrectionBiases {
    private final Device device;
    private final float rate;
    private final List<SparseMoe> mixtures;

    CorrectionBiases(LanguageModel model) {
        device = model.device();
        rate = model.routers().moeRouterBiasUpdateRate();
        mixtures = rate > 0 ? model.lm().mixtures() : List.of();
    }

    /** @param loads of each mixture in the step */
    void update(List<ExpertLoad> loads) {
        for (int i = 0; i < mixtures.size(); i++) {
            double[] signs = loads.get(i).signs();
            float[] biases = Eager.floats(device, tensor(mixtures.get(i)));
            for (int e = 0; e < biases.length; e++) {
                biases[e] -= rate * (float) signs[e];
            }
            try (var arena = Arena.ofConfined()) {
                device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, biases), tensor(mixtures.get(i)));
            }
        }
    }

    /** The biases by name, to go on with. */
    Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        mixtures.forEach(moe -> state.put("buffer." + moe.router().correctionBias().name(), tensor(moe)));
        return state;
    }

    private static Tensor tensor(SparseMoe moe) {
        return moe.router().correctionBias().parameter().value();
    }
}
