package dev.sartor.io;

import java.util.List;
import java.util.Optional;

/** Names of tensors in checkpoints. */
public final class CheckpointNames {

    /** Prefixes that a checkpoint of the bare model leaves out. */
    private static final List<String> PREFIXES = List.of("model.", "transformer.");

    private CheckpointNames() {
    }

    /** The key under which a file holds the tensor that the whole model knows by this name; empty if it does not. */
    public static Optional<String> stored(Safetensors file, String name) {
        if (file.contains(name)) {
            return Optional.of(name);
        }
        return PREFIXES.stream()
                .filter(name::startsWith)
                .map(prefix -> name.substring(prefix.length()))
                .filter(file::contains)
                .findFirst();
    }
}
