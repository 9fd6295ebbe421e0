package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.peft.Adapters;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** A model made ready to be trained: with a new adapter, or whole. */
public final class TrainingSetup implements AutoCloseable {
    /** The name of the adapter that is trained: the one that PEFT saves without a subfolder. */
    public static final String ADAPTER = "default";

    /** Where the weights come from. */
    public enum Start {
        /** The directory's files. */
        FILES,
        /** Random values; the directory needs only a config.json. */
        RANDOM,
        /** Nowhere: only sizes are of interest. */
        PLAN
    }

    /**
     * @param dtype compute type
     * @param quantization of the base model's linear layers; null for what its directory has
     * @param adapter a method's configuration, such as a LoraConfig; null to train every weight
     * @param seed of initial values and dropout
     * @param routers of mixtures of experts
     */
    public record Options(
            Path model, DType dtype, QuantizationConfig quantization, Record adapter, long seed, Start start, RouterArguments routers) {
        /** Routers as the model's config.json has them. */
        public Options(Path model, DType dtype, QuantizationConfig quantization, Record adapter, long seed, Start start) {
            this(model, dtype, quantization, adapter, seed, start, RouterArguments.NONE);
        }

        /** A base model as its directory has it. */
        public Options(Path model, DType dtype, Record adapter, long seed, Start start) {
            this(model, dtype, null, adapter, seed, start);
        }

        /** Whether a step of the one is that of the other, but for how the base model's linear layers are stored. */
        boolean hasStepOf(Options other) {
            return model.equals(other.model) && dtype == other.dtype && Objects.equals(adapter, other.adapter)
                    && routers.equals(other.routers);
        }

        /** The same to be laid out only. */
        Options planned() {
            return new Options(model, dtype, quantization, adapter, seed, Start.PLAN, routers);
        }
    }

    private final LanguageModel model;
    private final Scope state;
    private final RandomStream random;
    private final Adapters adapters;
    private final Trainee trainee;

    /**
     * @throws IllegalArgumentException if model and adapter do not fit
     */
    public TrainingSetup(Device device, Options options) throws IOException {
        boolean whole = options.adapter == null;
        model = switch (options.start) {
            case FILES -> LanguageModel.open(device, options.model, options.dtype, whole, options.quantization);
            case RANDOM -> LanguageModel.fresh(device, options.model, options.dtype, whole, options.quantization, options.seed);
            case PLAN -> LanguageModel.planned(device, options.model, options.dtype, whole, options.quantization);
        };
        state = new Scope(Scope.Kind.STATE, model.device());
        try {
            random = new RandomStream(model.device(), state, options.seed);
            model.setRouters(options.routers.of(model, whole), random);
            adapters = new Adapters(model.device(), state, model.slots(), random);
            if (whole) {
                trainee = new ModelTrainee(model, options.dtype);
            } else {
                adapters.add(ADAPTER, options.adapter, true);
                adapters.activate(ADAPTER);
                trainee = new AdapterTrainee(adapters, ADAPTER);
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    public LanguageModel model() {
        return model;
    }

    public RandomStream random() {
        return random;
    }

    public Adapters adapters() {
        return adapters;
    }

    public Trainee trainee() {
        return trainee;
    }

    /** What the adapter's configuration does that few would want, with the remedy. */
    public List<String> warnings() {
        return adapters.names().contains(ADAPTER) ? adapters.warnings(ADAPTER) : List.of();
    }

    /** Bytes of adapters and their gradients. */
    public long stateBytes() {
        return state.bytes();
    }

    public long trainedParameters() {
        return trainee.trained().stream().mapToLong(each -> each.value().shape().elements()).sum();
    }

    @Override
    public void close() {
        state.close();
        model.close();
    }
}
