package dev.sartor.io;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Names of tensors in checkpoints. */
public final class CheckpointNames {

    /** Prefixes that a checkpoint of the bare model leaves out. */
    private static final List<String> PREFIXES = List.of("model.", "transformer.");

    private CheckpointNames() {
    }

    /** Mixtral's names of what other families call {@code mlp}, and of an expert's layers. */
    private static final List<Map.Entry<String, String>> MIXTRAL = List.of(
            Map.entry(".mlp.", ".block_sparse_moe."), Map.entry(".gate_proj.", ".w1."), Map.entry(".down_proj.", ".w2."),
            Map.entry(".up_proj.", ".w3."));

    /** The key under which a file holds the tensor that the whole model knows by this name; empty if it does not. */
    public static Optional<String> stored(Safetensors file, String name) {
        return candidates(name).filter(file::contains).findFirst();
    }

    /**
     * The key under which Transformers saves the tensor that the whole model knows by this name.
     *
     * @param modelType {@code model_type} in config.json
     */
    public static String saved(String modelType, String name) {
        return modelType.equals("mixtral") ? mixtral(name) : name;
    }

    private static Stream<String> candidates(String name) {
        var bare = PREFIXES.stream().filter(name::startsWith).map(prefix -> name.substring(prefix.length()));
        return Stream.concat(Stream.of(name), bare).flatMap(each -> Stream.of(each, mixtral(each)));
    }

    private static String mixtral(String name) {
        for (var each : MIXTRAL) {
            name = name.replace(each.getKey(), each.getValue());
        }
        return name;
    }
}
