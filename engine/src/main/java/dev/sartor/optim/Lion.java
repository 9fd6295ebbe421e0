package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Lion (Chen et al. 2023): the sign of interpolated momentum. */
public final class Lion implements Optimizer {
    /** @param weightDecay decoupled, as AdamW's */
    public record Settings(float beta1, float beta2, float weightDecay) implements OptimizerSettings {
        public Settings {
            OptimizerSettings.requireBetas(beta1, beta2);
            OptimizerSettings.requireWeightDecay(weightDecay);
        }

        @Override
        public String method() {
            return "lion_32bit";
        }

        @Override
        public Optimizer create(List<Trained> trained, Scope state, Scope work) {
            return new Lion(this, trained, state);
        }
    }

    private final Settings settings;
    private final Map<Trained, Tensor> momentum = new LinkedHashMap<>();

    /** @param scope owns the momentum */
    public Lion(Settings settings, List<Trained> trained, Scope scope) {
        this.settings = settings;
        trained.forEach(each -> momentum.put(each, scope.allocate(each.value().spec())));
    }

    @Override
    public List<Kernel> step(StepInputs inputs) {
        return momentum.entrySet().stream()
                .<Kernel>map(each -> new dev.sartor.device.kernel.Lion(
                        each.getKey().value(), each.getKey().gradient(), each.getValue(), inputs.gradientScale(),
                        inputs.schedule(each.getKey()), settings.beta1, settings.beta2,
                        each.getKey().decay(settings.weightDecay)))
                .toList();
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        momentum.forEach((trained, m) -> state.put("m." + trained.name(), m));
        return state;
    }
}
