package dev.sartor.optim;

import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.ScheduleFreeWeight;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Schedule-free AdamW (Defazio et al. 2024). Gradients are taken at y, between the base iterate z and
 * the average x; parameters hold y while they are trained, and x is what comes of the run. It takes
 * the place of a schedule that falls to zero: the learning rate should stay up after its warm-up.
 */
public final class ScheduleFreeAdamW implements Optimizer {
    /**
     * @param beta1 x's share of y
     * @param r step^r weighs the iterates of the average
     * @param weightLrPower and so does the highest learning rate so far, to this power
     */
    public record Settings(float beta1, float beta2, float epsilon, float weightDecay, float r, float weightLrPower)
            implements OptimizerSettings {
        public Settings {
            OptimizerSettings.requireBetas(beta1, beta2);
            OptimizerSettings.require(beta1 > 0, "adam_beta1", "above 0 for schedule_free_adamw", beta1);
            OptimizerSettings.require(epsilon > 0, "adam_epsilon", "above 0", epsilon);
            OptimizerSettings.requireWeightDecay(weightDecay);
            OptimizerSettings.require(Float.isFinite(r), "r", "a finite number", r);
            OptimizerSettings.require(weightLrPower >= 0, "weight_lr_power", "0 or more", weightLrPower);
        }

        @Override
        public String method() {
            return "schedule_free_adamw";
        }

        @Override
        public Optimizer create(List<Trained> trained, Scope state, Scope work) {
            return new ScheduleFreeAdamW(this, trained, state, work);
        }
    }

    private record Iterates(Trained trained, Tensor z, Tensor v) {}

    private final Settings settings;
    private final List<Iterates> iterates;
    private final Tensor weights;
    private final Tensor weight;

    /**
     * @param scope owns z and the second moment of each tensor
     * @param numbers owns what there is once
     */
    public ScheduleFreeAdamW(Settings settings, List<Trained> trained, Scope scope, Scope numbers) {
        this.settings = settings;
        iterates = trained.stream()
                .map(each -> new Iterates(each, scope.allocate(each.value().spec()), scope.allocate(each.value().spec())))
                .toList();
        weights = numbers.allocate(TensorSpec.of(DType.FLOAT64, 2));
        weight = numbers.allocate(TensorSpec.of(DType.FLOAT32, 1));
    }

    @Override
    public List<Kernel> start() {
        return iterates.stream().<Kernel>map(each -> new Convert(each.trained.value(), each.z)).toList();
    }

    @Override
    public List<Kernel> step(StepInputs inputs) {
        var kernels = new ArrayList<Kernel>();
        kernels.add(new ScheduleFreeWeight(inputs.schedule(), weights, weight, settings.r, settings.weightLrPower));
        for (var each : iterates) {
            kernels.add(new dev.sartor.device.kernel.ScheduleFreeAdamW(
                    each.trained.value(), each.trained.gradient(), each.z, each.v, inputs.gradientScale(),
                    inputs.schedule(each.trained), weight, settings.beta1, settings.beta2, settings.epsilon,
                    each.trained.decay(settings.weightDecay)));
        }
        return kernels;
    }

    /** x of y = (1 - beta1) z + beta1 x. */
    @Override
    public List<Kernel> average() {
        float ofY = (float) (1 / (double) settings.beta1);
        float ofZ = (float) (1 - 1 / (double) settings.beta1);
        return iterates.stream()
                .<Kernel>map(each -> new Add(each.trained.value(), each.z, each.trained.value(), ofY, ofZ))
                .toList();
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        for (var each : iterates) {
            state.put("z." + each.trained.name(), each.z);
            state.put("v." + each.trained.name(), each.v);
        }
        state.put("weights", weights);
        return state;
    }
}
