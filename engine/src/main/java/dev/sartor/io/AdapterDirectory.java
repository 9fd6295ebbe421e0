package dev.sartor.io;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An adapter as PEFT stores it: {@code adapter_config.json}, {@code adapter_model.safetensors} and a model card. The
 * configuration is a tree here, so fields this program does not know survive reading and writing; what they mean is for
 * the adapter method to decide.
 *
 * <p>An adapter called {@code default} lies in the directory itself, any other in a subfolder of its name; tensor keys
 * carry no adapter name on disk ({@link #storedKey}, {@link #namedKey}).
 */
public final class AdapterDirectory {

    /** The adapter name that stands for none. */
    public static final String DEFAULT = "default";

    private static final String CONFIG = "adapter_config.json";
    private static final String WEIGHTS = "adapter_model.safetensors";

    private final Path path;
    private final ObjectNode config;

    private AdapterDirectory(Path path, ObjectNode config) {
        this.path = path;
        this.config = config;
    }

    /**
     * Opens the adapter that lies in a directory itself.
     *
     * @throws FormatException if there is none, naming what is there instead
     */
    public static AdapterDirectory open(Path directory) throws IOException {
        return open(directory, DEFAULT);
    }

    /**
     * Opens a named adapter: {@code directory/name}, or the directory itself for {@link #DEFAULT}.
     *
     * @throws FormatException if there is none, naming what is there instead
     */
    public static AdapterDirectory open(Path directory, String name) throws IOException {
        Path path = folder(directory, name);
        Path config = path.resolve(CONFIG);
        if (!Files.exists(config)) {
            throw new FormatException(path + ": expected an adapter here (" + CONFIG + ", " + WEIGHTS + ")" + found(directory));
        }
        return new AdapterDirectory(path, Json.readObject(config));
    }

    private static String found(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return "; there is no directory " + directory;
        }
        List<String> named;
        try (Stream<Path> children = Files.list(directory)) {
            named = children.filter(child -> Files.exists(child.resolve(CONFIG)))
                    .map(child -> child.getFileName().toString()).sorted().toList();
        }
        if (!named.isEmpty()) {
            return "; found in subfolders: " + named;
        }
        return Files.exists(directory.resolve("config.json")) ? "; it holds a whole model, not an adapter" : "";
    }

    /** The folder with the two files. */
    public Path path() {
        return path;
    }

    /** {@code adapter_config.json} as it is; a copy, so changing it changes nothing here. */
    public ObjectNode config() {
        return config.deepCopy();
    }

    /**
     * {@code peft_type}, such as {@code LORA}.
     *
     * @throws FormatException if it is missing
     */
    public String peftType() throws FormatException {
        JsonNode type = config.path("peft_type");
        if (!type.isString()) {
            throw new FormatException(path.resolve(CONFIG) + ": peft_type: expected a string such as \"LORA\", found " + Json.kind(type));
        }
        return type.stringValue();
    }

    /**
     * Opens the adapter's tensors; the caller closes them.
     *
     * @throws FormatException if there are none in safetensors
     */
    public Safetensors openWeights() throws IOException {
        Path weights = path.resolve(WEIGHTS);
        if (!Files.exists(weights)) {
            String remedy = Files.exists(path.resolve("adapter_model.bin"))
                    ? "; adapter_model.bin is a pickle and is not read: load it in Python PEFT and save it again with"
                            + " save_pretrained(..., safe_serialization=True)" : "";
            throw new FormatException(path + ": expected " + WEIGHTS + " beside " + CONFIG + remedy);
        }
        return Safetensors.open(weights);
    }

    /**
     * Saves an adapter. {@code inference_mode} is written as true, as PEFT does; all else of the configuration is written
     * as given. The configuration is written last, so a folder that has it has the weights too.
     *
     * @param name    {@link #DEFAULT}, or the subfolder's name
     * @param tensors keys as they go to disk, see {@link #storedKey}
     * @param card    the text of README.md
     * @return the folder written
     */
    public static Path save(Path directory, String name, ObjectNode config, List<TensorSource> tensors, ModelCard card) throws IOException {
        Path path = folder(directory, name);
        Files.createDirectories(path);
        SafetensorsWriter.write(path.resolve(WEIGHTS), tensors);
        AtomicFiles.write(path.resolve("README.md"), card.text().getBytes(StandardCharsets.UTF_8));
        ObjectNode saved = config.deepCopy();
        saved.put("inference_mode", true);
        Json.write(path.resolve(CONFIG), saved);
        return path;
    }

    /** Takes the adapter's name out of a key: {@code q_proj.lora_A.NAME.weight} becomes {@code q_proj.lora_A.weight}. */
    public static String storedKey(String key, String name) {
        String infix = "." + name + ".";
        int at = key.lastIndexOf(infix);
        if (at >= 0) {
            return key.substring(0, at) + "." + key.substring(at + infix.length());
        }
        return key.endsWith("." + name) ? key.substring(0, key.length() - name.length() - 1) : key;
    }

    /**
     * Puts the adapter's name into a stored key, the inverse of {@link #storedKey}: before a final {@code weight} or
     * {@code bias}, or else at the end ({@code lora_magnitude_vector}, {@code lora_embedding_A}).
     */
    public static String namedKey(String key, String name) {
        int dot = key.lastIndexOf('.');
        String last = key.substring(dot + 1);
        return last.equals("weight") || last.equals("bias") ? key.substring(0, dot) + "." + name + "." + last : key + "." + name;
    }

    private static Path folder(Path directory, String name) {
        if (name.equals(DEFAULT)) {
            return directory;
        }
        if (name.isBlank() || name.contains("/") || name.contains("\\") || name.startsWith(".")) {
            throw new IllegalArgumentException("adapter name '" + name + "' cannot be a folder's name");
        }
        return directory.resolve(name);
    }
}
