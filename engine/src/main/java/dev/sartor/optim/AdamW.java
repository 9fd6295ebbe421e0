package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** AdamW (Loshchilov and Hutter 2019), step for step as PyTorch computes it. */
public final class AdamW implements Optimizer {
    /** @param weightDecay decoupled: each step takes learning rate * weightDecay off the value */
    public record Settings(float beta1, float beta2, float epsilon, float weightDecay) implements OptimizerSettings {
        /** PyTorch's, without weight decay, as Transformers has it. */
        public static Settings defaults() {
            return new Settings(0.9f, 0.999f, 1e-8f, 0);
        }

        public Settings {
            OptimizerSettings.requireBetas(beta1, beta2);
            OptimizerSettings.require(epsilon > 0, "adam_epsilon", "above 0", epsilon);
            OptimizerSettings.requireWeightDecay(weightDecay);
        }

        @Override
        public String method() {
            return "adamw_torch";
        }

        @Override
        public Optimizer create(List<Trained> trained, Scope state, Scope work) {
            return new AdamW(this, trained, state);
        }
    }

    private record Moments(Trained trained, Tensor m, Tensor v) {}

    private final Settings settings;
    private final List<Moments> moments;

    /** @param scope owns the two moments of each tensor */
    public AdamW(Settings settings, List<Trained> trained, Scope scope) {
        this.settings = settings;
        this.moments = trained.stream()
                .map(t -> new Moments(t, scope.allocate(t.value().spec()), scope.allocate(t.value().spec())))
                .toList();
    }

    @Override
    public List<Kernel> step(StepInputs inputs) {
        return moments.stream()
                .<Kernel>map(each -> new dev.sartor.device.kernel.AdamW(
                        each.trained.value(), each.trained.gradient(), each.m, each.v, inputs.gradientScale(),
                        inputs.schedule(each.trained), settings.beta1, settings.beta2, settings.epsilon,
                        each.trained.decay(settings.weightDecay)))
                .toList();
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        for (var each : moments) {
            state.put("m." + each.trained.name(), each.m);
            state.put("v." + each.trained.name(), each.v);
        }
        return state;
    }
}
