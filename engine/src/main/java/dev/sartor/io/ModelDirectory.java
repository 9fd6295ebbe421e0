package dev.sartor.io;

import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model in Hugging Face layout: {@code config.json}, weights in safetensors, and optionally
 * {@code generation_config.json} and the tokenizer's files.
 */
public final class ModelDirectory {

    private static final Pattern HUB_NAME = Pattern.compile("[\\w.-]+/[\\w.-]+");

    /** The tokenizer's files, copied whole when a model is saved. */
    private static final Pattern TOKENIZER_FILES = Pattern.compile(
            "tokenizer\\.json|tokenizer\\.model|tokenizer_config\\.json|special_tokens_map\\.json|added_tokens\\.json"
                    + "|vocab\\.json|merges\\.txt|spiece\\.model|chat_template\\.(jinja|json)");

    private final Path path;
    private final ObjectNode config;

    private ModelDirectory(Path path, ObjectNode config) {
        this.path = path;
        this.config = config;
    }

    /**
     * Opens a model directory and reads its configuration; the weights are not touched.
     *
     * @throws FormatException if it is not a model directory, saying what it is instead and what to do
     */
    public static ModelDirectory open(Path path) throws IOException {
        if (!Files.exists(path)) {
            String remedy = HUB_NAME.matcher(path.toString()).matches()
                    ? "; models are read from local directories: fetch it first, for example with"
                            + " `hf download " + path + " --local-dir " + path.getFileName() + "`"
                    : "; give the path of a directory with config.json and model.safetensors";
            throw new FormatException(path + ": no such model directory" + remedy);
        }
        if (!Files.isDirectory(path)) {
            throw new FormatException(path + ": is a file, expected a directory in Hugging Face layout"
                    + " (config.json, model.safetensors, tokenizer.json)"
                    + (path.toString().endsWith(".gguf") ? "; GGUF files are not read: use the model's original repository" : ""));
        }
        Path file = path.resolve("config.json");
        if (!Files.exists(file)) {
            String remedy = Files.exists(path.resolve("adapter_config.json"))
                    ? "; it is an adapter: name its base model as the model, and this directory as the adapter" : "";
            throw new FormatException(path + ": expected config.json in this directory" + remedy);
        }
        return new ModelDirectory(path, Json.readObject(file));
    }

    public Path path() {
        return path;
    }

    /** The type of the stored weights, where config.json says it. */
    public Optional<DType> storedType() {
        var name = config.path(config.has("dtype") ? "dtype" : "torch_dtype").asString("");
        return Stream.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)
                .filter(each -> each.name().equalsIgnoreCase(name))
                .findFirst();
    }

    /** {@code config.json} as it is; a copy, so changing it changes nothing here. */
    public ObjectNode config() {
        return config.deepCopy();
    }

    /**
     * {@code model_type} of the configuration, such as {@code llama}.
     *
     * @throws FormatException if it is missing
     */
    public String modelType() throws FormatException {
        JsonNode type = config.path("model_type");
        if (!type.isString()) {
            throw new FormatException(path.resolve("config.json") + ": model_type: expected a string such as \"llama\", found " + Json.kind(type));
        }
        return type.stringValue();
    }

    /** {@code generation_config.json}, if there is one. */
    public Optional<ObjectNode> generationConfig() throws IOException {
        Path file = path.resolve("generation_config.json");
        return Files.exists(file) ? Optional.of(Json.readObject(file)) : Optional.empty();
    }

    /**
     * Opens the weights; the caller closes them.
     *
     * @throws FormatException if there are none in safetensors, naming the remedy
     */
    public Safetensors openWeights() throws IOException {
        return Safetensors.open(path);
    }

    /** Whether safetensors weights are present, without opening them. */
    public boolean hasWeights() {
        return Files.exists(path.resolve(Safetensors.SINGLE)) || Files.exists(path.resolve(Safetensors.INDEX));
    }

    /**
     * Copies the tokenizer's files (and chat template) into another directory.
     *
     * @return the names copied, sorted
     */
    public List<String> copyTokenizer(Path target) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(path)) {
            files = all.filter(file -> TOKENIZER_FILES.matcher(file.getFileName().toString()).matches()).sorted().toList();
        }
        for (Path file : files) {
            AtomicFiles.copy(file, target.resolve(file.getFileName()));
        }
        return files.stream().map(file -> file.getFileName().toString()).toList();
    }

    /**
     * Saves a model: weights first, configuration last, so that a directory with a {@code config.json} of this save has
     * all of its weights.
     *
     * @param generationConfig written if present
     * @param maxShardBytes    as in {@link SafetensorsWriter#writeModel}
     */
    public static void save(Path target, ObjectNode config, Optional<ObjectNode> generationConfig,
            List<TensorSource> weights, long maxShardBytes) throws IOException {
        SafetensorsWriter.writeModel(target, weights, maxShardBytes);
        if (generationConfig.isPresent()) {
            Json.write(target.resolve("generation_config.json"), generationConfig.get());
        }
        Json.write(target.resolve("config.json"), config);
    }

    /** Records in a configuration the type in which the weights are saved. */
    public static void setDtype(ObjectNode config, DType dtype) {
        config.put(config.has("dtype") ? "dtype" : "torch_dtype", dtype.name().toLowerCase(Locale.ROOT));
    }

    /** What to do about weights that are there in another form; empty if there is nothing to say. */
    static String weightsRemedy(Path directory) throws IOException {
        List<String> names;
        try (Stream<Path> files = Files.list(directory)) {
            names = files.map(file -> file.getFileName().toString()).sorted().toList();
        }
        for (String name : names) {
            if (name.startsWith("pytorch_model") && name.endsWith(".bin")) {
                return "; " + name + " is a pickle and is not read: convert it with `python -c \"from transformers import"
                        + " AutoModelForCausalLM as M; M.from_pretrained('" + directory + "').save_pretrained('" + directory
                        + "-safetensors')\"`, or fetch the model's safetensors version";
            }
            if (name.endsWith(".gguf")) {
                return "; " + name + " is GGUF and is not read: use the model's original repository";
            }
            if (name.startsWith("adapter_model.")) {
                return "; it is an adapter: name its base model as the model, and this directory as the adapter";
            }
            if (name.endsWith(".safetensors")) {
                return "; " + name + " is there under another name: rename it, or fetch the missing files";
            }
        }
        return "";
    }
}
