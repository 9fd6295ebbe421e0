package dev.sartor;

import dev.sartor.io.ModelDirectory;
import dev.sartor.peft.lora.Lora;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import dev.sartor.text.Tokenizer;
import dev.sartor.train.BatchShape;
import dev.sartor.train.BatchedData;
import dev.sartor.train.DataSource;
import dev.sartor.train.MemoryPlan;
import dev.sartor.train.RouterArguments;
import dev.sartor.train.Trainer;
import dev.sartor.train.TrainingArguments;
import dev.sartor.train.TrainingListener;
import dev.sartor.train.TrainingSetup;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Supervised fine-tuning, from a base model and data to an adapter or a tuned model.
 *
 * <pre>{@code
 * try (var engine = Engine.open();
 *         var run = Sft.on(engine).model(base).adapter(Lora.rank(16).allLinear()).data(file).output(out).prepare(listener)) {
 *     run.start();
 *     run.await();
 *     run.save(out);
 * }
 * }</pre>
 */
public final class Sft {
    private final Engine engine;
    private Path model;
    private Record adapter;
    private DType dtype = DType.FLOAT32;
    private QuantizationConfig quantization;
    private RouterArguments routers = RouterArguments.NONE;
    private TrainingSetup.Start start = TrainingSetup.Start.FILES;
    private DataSource.Options data = DataSource.Options.of(List.of());
    private TrainingArguments arguments = TrainingArguments.defaults();
    private Path output = Path.of("output");
    private Consumer<MemoryPlan.Fitted> room = plan -> {};
    private OptionalLong available = OptionalLong.empty();

    private Sft(Engine engine) {
        this.engine = engine;
    }

    public static Sft on(Engine engine) {
        return new Sft(engine);
    }

    /** Directory of the base model, in Hugging Face layout. */
    public Sft model(Path directory) {
        this.model = directory;
        return this;
    }

    /** Trains a LoRA adapter. Without an adapter every weight is trained. */
    public Sft adapter(Lora lora) {
        return adapter(lora.build());
    }

    /** Trains an adapter of any method, given its configuration. */
    public Sft adapter(Record config) {
        this.adapter = config;
        return this;
    }

    /** Compute type: float32 (the default) or bfloat16. */
    public Sft dtype(DType type) {
        this.dtype = type;
        return this;
    }

    /** Quantizes the base model's linear layers as they are read: QLoRA. What is quantized on disk needs no word. */
    public Sft quantization(QuantizationConfig config) {
        this.quantization = config;
        return this;
    }

    /** How routers of mixtures of experts are trained, where it is not as the model's config.json says. */
    public Sft routers(RouterArguments arguments) {
        this.routers = arguments;
        return this;
    }

    /** Starts from random weights: pretraining. The model's directory needs config.json and a tokenizer only. */
    public Sft fromScratch() {
        this.start = TrainingSetup.Start.RANDOM;
        return this;
    }

    /** Training data: .txt, .jsonl or .json. */
    public Sft data(Path... files) {
        data = data.with(List.of(files), data.evalFiles());
        return this;
    }

    /** Longest sequence in tokens; longer ones are cut, and counted in the data's notes. 1024 if not said. */
    public Sft maxLength(int tokens) {
        data = data.withMaxLength(tokens);
        return this;
    }

    /** Training data with everything said. Batch size and seed are taken from the training arguments. */
    public Sft data(DataSource.Options options) {
        this.data = options;
        return this;
    }

    public Sft arguments(TrainingArguments arguments) {
        this.arguments = arguments;
        return this;
    }

    /** Changes some of the arguments. */
    public Sft arguments(UnaryOperator<TrainingArguments> change) {
        return arguments(change.apply(arguments));
    }

    /** Optimizer steps, instead of epochs. */
    public Sft steps(long steps) {
        return arguments(arguments.withMaxSteps(steps));
    }

    /**
     * Chooses the recomputation by memory: the least work with which all that the engine allocates or maps
     * fits into so many bytes. The Java virtual machine's own part is not among them. Otherwise the
     * arguments say what is computed again.
     */
    public Sft fitInto(long bytes) {
        this.available = OptionalLong.of(bytes);
        return this;
    }

    /**
     * Hears what the run will need before any of it is allocated; throws to refuse the run.
     */
    public Sft room(Consumer<MemoryPlan.Fitted> check) {
        this.room = check;
        return this;
    }

    /** Where checkpoints go. */
    public Sft output(Path directory) {
        this.output = directory;
        return this;
    }

    TrainingSetup.Options setup() {
        if (model == null) {
            throw new IllegalArgumentException("no model; name the directory of the base model (model_name_or_path)");
        }
        return new TrainingSetup.Options(model, dtype, quantization, adapter, arguments.seed(), start, routers);
    }

    /**
     * Reads data and model, and lays out the run. Nothing is trained yet.
     *
     * @throws IOException if a file cannot be read or is wrong
     * @throws IllegalArgumentException if settings, model and data do not fit
     */
    public SftRun prepare(TrainingListener listener) throws IOException {
        var options = setup();
        // Says what is wrong with the directory before its tokenizer is missed.
        ModelDirectory.open(model);
        DataSource read;
        try (var tokenizer = Tokenizer.open(model)) {
            read = DataSource.read(data.with(arguments.perDeviceTrainBatchSize(), arguments.seed()), tokenizer);
        }
        var training = new BatchShape(arguments.perDeviceTrainBatchSize(), read.length());
        var fitted = fitted(options, training, BatchShape.largest(read.evaluation()));
        room.accept(fitted);
        var chosen = arguments.withRecompute(fitted.recompute());
        var setup = new TrainingSetup(engine.device(), options);
        Trainer trainer = null;
        try {
            read.demands().check(setup.model().config());
            trainer = new Trainer(setup.model(), setup.trainee(), setup.random(), chosen,
                    new BatchedData(read.train(), chosen.gradientAccumulationSteps()), read.evaluation(), output, listener);
            // The largest first: the slab never grows on the way.
            trainer.plan(training.rows(), training.length());
            return new SftRun(setup, trainer, read);
        } catch (IOException | RuntimeException e) {
            if (trainer != null) {
                trainer.close();
            }
            setup.close();
            throw e;
        }
    }

    private MemoryPlan.Fitted fitted(TrainingSetup.Options options, BatchShape training, Optional<BatchShape> evaluation)
            throws IOException {
        if (available.isPresent()) {
            return MemoryPlan.fitting(engine.device(), options, arguments, training, evaluation, available.getAsLong());
        }
        return new MemoryPlan.Fitted(MemoryPlan.of(engine.device(), options, arguments, training, evaluation),
                arguments.recompute(), List.of());
    }
}
