package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Adafactor (Shazeer and Stern 2018) without momentum, in the form of Transformers' implementation: of
 * a matrix's second moment only the means of rows and columns are kept.
 */
public final class Adafactor implements Optimizer {
    /**
     * Names are those of {@code transformers.Adafactor}.
     *
     * @param epsilon1 added to squared gradients
     * @param epsilon2 least size of a parameter, for scaleParameter
     * @param clipThreshold bound of an update's root mean square
     * @param decayRate beta2 of a step is 1 - step^decayRate
     * @param scaleParameter whether a tensor's learning rate grows with the size of its values
     * @param relativeStep whether the learning rate is min(0.01, 1 / sqrt(step)), not the run's
     * @param warmupInit with relativeStep: min(1e-6 step, 1 / sqrt(step))
     */
    public record Settings(
            float epsilon1, float epsilon2, float clipThreshold, float decayRate, float weightDecay, boolean scaleParameter,
            boolean relativeStep, boolean warmupInit)
            implements OptimizerSettings {
        /** What Transformers' trainer sets for {@code optim="adafactor"}. */
        public static Settings defaults() {
            return new Settings(1e-30f, 1e-3f, 1, -0.8f, 0, false, false, false);
        }

        public Settings {
            OptimizerSettings.require(epsilon1 > 0, "eps", "a first number above 0", epsilon1);
            OptimizerSettings.require(epsilon2 >= 0, "eps", "a second number of 0 or more", epsilon2);
            OptimizerSettings.require(clipThreshold > 0, "clip_threshold", "above 0", clipThreshold);
            OptimizerSettings.require(decayRate < 0, "decay_rate", "below 0", decayRate);
            OptimizerSettings.requireWeightDecay(weightDecay);
            OptimizerSettings.require(relativeStep || !warmupInit, "warmup_init", "relative_step=true beside it", "false");
        }

        @Override
        public String method() {
            return "adafactor";
        }

        @Override
        public Optimizer create(List<Trained> trained, Scope state, Scope work) {
            return new Adafactor(this, trained, state);
        }
    }

    /** Row and column, or v. */
    private record Moment(Trained trained, Tensor row, Tensor column, Tensor v) {
        static Moment of(Trained trained, Scope scope) {
            var shape = trained.value().shape();
            return shape.rank() < 2
                    ? new Moment(trained, null, null, scope.allocate(trained.value().spec()))
                    : new Moment(trained, scope.allocate(TensorSpec.of(DType.FLOAT32, shape.rows())),
                            scope.allocate(TensorSpec.of(DType.FLOAT32, shape.last())), null);
        }
    }

    private static final double LARGEST_RELATIVE_STEP = 1e-2;
    private static final double WARMUP_STEP = 1e-6;

    private final Settings settings;
    private final List<Moment> moments;

    /** @param scope owns the moments */
    public Adafactor(Settings settings, List<Trained> trained, Scope scope) {
        this.settings = settings;
        moments = trained.stream().map(each -> Moment.of(each, scope)).toList();
    }

    @Override
    public List<Kernel> step(StepInputs inputs) {
        return moments.stream()
                .<Kernel>map(each -> new dev.sartor.device.kernel.Adafactor(
                        each.trained.value(), each.trained.gradient(), each.row, each.column, each.v, inputs.gradientScale(),
                        inputs.schedule(each.trained), settings.decayRate, settings.epsilon1, settings.epsilon2,
                        settings.clipThreshold, each.trained.decay(settings.weightDecay), settings.scaleParameter))
                .toList();
    }

    @Override
    public double learningRate(double scheduled, long step) {
        if (!settings.relativeStep) {
            return scheduled;
        }
        double bound = settings.warmupInit ? WARMUP_STEP * step : LARGEST_RELATIVE_STEP;
        return Math.min(bound, 1 / Math.sqrt(step));
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        for (var each : moments) {
            if (each.v == null) {
                state.put("row." + each.trained.name(), each.row);
                state.put("column." + each.trained.name(), each.column);
            } else {
                state.put("v." + each.trained.name(), each.v);
            }
        }
        return state;
    }
}
