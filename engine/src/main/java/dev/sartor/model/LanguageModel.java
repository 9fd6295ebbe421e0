package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.device.PlanningDevice;
import dev.sartor.io.Json;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.Nearest;
import dev.sartor.nn.Module;
import dev.sartor.nn.RandomStream;
import dev.sartor.nn.Slots;
import dev.sartor.nn.SparseMoe;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32;
import tools.jackson.databind.node.ObjectNode;

/** A causal language model with its weights on a device. */
public final class LanguageModel implements AutoCloseable {
    private final Device device;
    private final DType dtype;
    private final ModelDirectory directory;
    private final String modelType;
    private final CausalLm lm;
    private final List<Parameter> parameters;
    private final Scope scope;
    private final WeightSource source;
    private final long mappedBytes;
    private final QuantizationConfig quantization;
    private RouterSettings routers;

    private LanguageModel(
            Device device, DType dtype, ModelDirectory directory, boolean trained, QuantizationConfig wished, WeightSource source)
            throws IOException {
        this.device = device;
        this.dtype = dtype;
        this.directory = directory;
        this.source = source;
        this.scope = new Scope(Scope.Kind.WEIGHTS, device);
        var where = directory.path().resolve("config.json").toString();
        try {
            var config = directory.config();
            var stored = QuantizationConfig.read(config, where).orElse(null);
            this.quantization = QuantizationConfig.agree(stored, wished, where);
            this.modelType = directory.modelType();
            var family = Families.of(modelType, where);
            var reader = new ConfigReader(config, where);
            var builder = new ModelBuilder(
                    device, scope, dtype, family.reading(source, reader), trained, quantization, stored != null);
            this.lm = family.build(reader, builder);
            if (stored == null && wished != null) {
                requireSkipped(wished, where);
            }
            this.routers = lm.config().routers();
            this.parameters = builder.parameters();
            this.mappedBytes = builder.mappedBytes();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** A name that is left out and begins or ends none is a slip, and would have its layers quantized. */
    private void requireSkipped(QuantizationConfig wished, String where) {
        var names = lm.modules().stream().map(Module::name).toList();
        for (var skipped : wished.skipModules()) {
            if (!QuantizationConfig.DEFAULT_SKIPPED.contains(skipped)
                    && names.stream().noneMatch(name -> QuantizationConfig.matches(name, skipped))) {
                var ends = names.stream().map(name -> name.substring(name.lastIndexOf('.') + 1)).distinct().toList();
                throw new IllegalArgumentException("llm_int8_skip_modules: '" + skipped + "' begins or ends the name of no layer of "
                        + where + "; the nearest are " + String.join(", ", Nearest.to(skipped, skipped.contains(".") ? names : ends, 3)));
            }
        }
    }

    /**
     * Loads a Hugging Face directory.
     *
     * @param dtype compute type, float32 or bfloat16, whatever the files hold
     * @param trained whether every weight is to be trained, rather than frozen and packed
     * @throws IllegalArgumentException if the model is of no known family, or files and configuration disagree
     */
    public static LanguageModel open(Device device, Path path, DType dtype, boolean trained) throws IOException {
        return open(device, path, dtype, trained, null);
    }

    /**
     * As {@link #open(Device, Path, DType, boolean)}, quantizing linear layers as they are read.
     *
     * @param quantization null for what the directory has
     * @throws IllegalArgumentException also if the directory is quantized in another way, or the weights are
     *     to be trained
     */
    public static LanguageModel open(Device device, Path path, DType dtype, boolean trained, QuantizationConfig quantization)
            throws IOException {
        var directory = ModelDirectory.open(path);
        var weights = new FileWeights(path);
        var model = new LanguageModel(device, dtype, directory, trained, quantization, weights);
        weights.release();
        return model;
    }

    /**
     * Makes a model with random weights; the directory needs only a config.json.
     *
     * @param trained as in {@link #open}
     * @param quantization as in {@link #open}
     */
    public static LanguageModel fresh(
            Device device, Path path, DType dtype, boolean trained, QuantizationConfig quantization, long seed) throws IOException {
        var directory = ModelDirectory.open(path);
        double deviation = directory.config().path("initializer_range").asDouble(0.02);
        return new LanguageModel(device, dtype, directory, trained, quantization, new RandomWeights(seed, deviation));
    }

    /** Lays a model out without its weights; the directory needs only a config.json. */
    public static LanguageModel planned(Device device, Path path, DType dtype, boolean trained, QuantizationConfig quantization)
            throws IOException {
        var directory = ModelDirectory.open(path);
        var weights = new NoWeights(directory.storedType().orElse(dtype));
        return new LanguageModel(new PlanningDevice(device), dtype, directory, trained, quantization, weights);
    }

    public Device device() {
        return device;
    }

    /** Compute type. */
    public DType dtype() {
        return dtype;
    }

    public CausalLm lm() {
        return lm;
    }

    public ModelConfig config() {
        return lm.config();
    }

    /** How routers of mixtures of experts are trained: as config.json says, if nobody has said otherwise. */
    public RouterSettings routers() {
        return routers;
    }

    /**
     * Says how routers are trained; recordings follow it from now on.
     *
     * @param random what jitter reads
     */
    public void setRouters(RouterSettings settings, RandomStream random) {
        routers = settings;
        var mixtures = lm.mixtures();
        for (int i = 0; i < mixtures.size(); i++) {
            mixtures.get(i).setTraining(new SparseMoe.Training(
                    random.tensor(), i, settings.routerJitterNoise(), settings.moeExpertCapacityFactor()));
        }
    }

    /** Where it was read from. */
    public ModelDirectory directory() {
        return directory;
    }

    /** The modules that fine-tuning methods choose from. */
    public Slots slots() {
        var experts = lm.mixtures().stream().map(SparseMoe::experts).toList();
        return new Slots(directory.path().toString(), modelType, lm.modules(), lm.blockLinears(), experts, lm.embedding(), lm.head());
    }

    /** config.json as a tree of its own. */
    public ObjectNode configTree() {
        return directory.config();
    }

    /** The trained parameters; none where the model is frozen. */
    public List<Parameter> parameters() {
        return parameters;
    }

    /** How linear layers are quantized; empty where they are not. */
    public Optional<QuantizationConfig> quantization() {
        return Optional.ofNullable(quantization);
    }

    /**
     * Tells models apart: a checksum of config.json and of a sample of the stored tensors, and of how they are
     * quantized as they are read.
     */
    public String digest() {
        var config = new CRC32();
        config.update(Json.compact(directory.config()).getBytes(StandardCharsets.UTF_8));
        return "%08x-%08x".formatted(config.getValue(), source.digest())
                + (quantization == null ? "" : " in " + quantization.describe());
    }

    /**
     * Looks through what is stored for weights that are infinite or not a number, to explain why something went wrong;
     * in words, naming the first, or empty. Takes as long as reading the model.
     */
    public Optional<String> brokenWeights() {
        return source.notFinite();
    }

    /** Bytes of weights that the device holds; mapped files are not counted. */
    public long weightBytes() {
        return scope.bytes();
    }

    /** Bytes of the model's files that are read in place. */
    public long mappedBytes() {
        return mappedBytes;
    }

    @Override
    public void close() {
        scope.close();
        source.close();
    }
}
