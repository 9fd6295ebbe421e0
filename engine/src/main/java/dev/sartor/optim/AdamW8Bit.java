package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * AdamW with moments in 8 bits, quantized dynamically in blocks of 256 (Dettmers et al. 2022). As in
 * bitsandbytes, tensors of fewer than {@link #MINIMUM} elements keep theirs in float32.
 */
public final class AdamW8Bit implements Optimizer {
    /** bitsandbytes' min_8bit_size. */
    public static final int MINIMUM = 4096;

    /** @param adamW the numbers of the step itself */
    public record Settings(AdamW.Settings adamW) implements OptimizerSettings {
        @Override
        public String method() {
            return "adamw_8bit";
        }

        @Override
        public Optimizer create(List<Trained> trained, Scope state, Scope work) {
            return new AdamW8Bit(this, trained, state);
        }
    }

    /** Codes, and the largest magnitude of each block. */
    private record Quantized(Tensor codes, Tensor absmax) {
        static Quantized of(Trained trained, Scope scope) {
            long blocks = dev.sartor.device.kernel.AdamW8Bit.blocks(trained.elements());
            return new Quantized(scope.allocate(new TensorSpec(DType.UINT8, trained.value().shape())),
                    scope.allocate(TensorSpec.of(DType.FLOAT32, blocks)));
        }

        void addTo(Map<String, Tensor> state, String name) {
            state.put(name, codes);
            state.put(name + ".absmax", absmax);
        }
    }

    private record Moments(Trained trained, Quantized m, Quantized v) {}

    private final AdamW.Settings settings;
    private final List<Moments> moments;
    private final AdamW small;

    /** @param scope owns the moments */
    public AdamW8Bit(Settings settings, List<Trained> trained, Scope scope) {
        this.settings = settings.adamW;
        moments = trained.stream().filter(each -> each.elements() >= MINIMUM)
                .map(each -> new Moments(each, Quantized.of(each, scope), Quantized.of(each, scope))).toList();
        small = new AdamW(settings.adamW, trained.stream().filter(each -> each.elements() < MINIMUM).toList(), scope);
    }

    @Override
    public List<Kernel> step(StepInputs inputs) {
        var kernels = new ArrayList<Kernel>();
        for (var each : moments) {
            kernels.add(new dev.sartor.device.kernel.AdamW8Bit(
                    each.trained.value(), each.trained.gradient(), each.m.codes, each.v.codes, each.m.absmax, each.v.absmax,
                    inputs.gradientScale(), inputs.schedule(each.trained), settings.beta1(), settings.beta2(),
                    settings.epsilon(), each.trained.decay(settings.weightDecay())));
        }
        kernels.addAll(small.step(inputs));
        return kernels;
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        for (var each : moments) {
            each.m.addTo(state, "m." + each.trained.name());
            each.v.addTo(state, "v." + each.trained.name());
        }
        state.putAll(small.state());
        return state;
    }
}
