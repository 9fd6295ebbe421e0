package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A run frozen between two steps: {@code checkpoint-N/} with what is trained in its public layout,
 * {@code trainer_state.json}, and {@code state.safetensors} with parameters and optimizer state bit
 * for bit. It is written beside and renamed, so a directory of that name is always whole.
 */
public final class Checkpoint {
    private static final Pattern NAME = Pattern.compile("checkpoint-(\\d+)");
    private static final String STATE = "state.safetensors";
    private static final String TRAINER = "trainer_state.json";

    private Checkpoint() {}

    /**
     * What a run must know besides tensors.
     *
     * @param step optimizer steps done
     * @param fingerprint of data and settings; a run resumes only its own kind
     */
    public record TrainerState(long step, long tokens, long learnedTokens, String fingerprint) {}

    /** Writes {@code checkpoint-<step>} under the directory. */
    public static Path save(
            Path output, TrainerState state, Trainee trainee, Device device, Map<String, Tensor> tensors) throws IOException {
        var target = output.resolve("checkpoint-" + state.step);
        var beside = output.resolve(".checkpoint-" + state.step + ".partial");
        delete(beside);
        Files.createDirectories(beside);
        trainee.save(beside);
        try (var arena = Arena.ofConfined()) {
            var sources = new ArrayList<TensorSource>();
            tensors.forEach((name, tensor) -> {
                var host = arena.allocate(tensor.spec().bytes(), 8);
                device.read(tensor, host);
                sources.add(TensorSource.of(name, tensor.spec(), host));
            });
            SafetensorsWriter.write(beside.resolve(STATE), sources);
        }
        var json = Json.object();
        json.put("global_step", state.step);
        json.put("num_input_tokens_seen", state.tokens);
        json.put("num_learned_tokens_seen", state.learnedTokens);
        json.put("fingerprint", state.fingerprint);
        Json.write(beside.resolve(TRAINER), json);
        delete(target);
        Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
        return target;
    }

    /**
     * Puts a checkpoint's tensors back.
     *
     * @throws FormatException if it is not of this run, or a tensor is missing or of another shape
     */
    public static TrainerState load(Path checkpoint, String fingerprint, Device device, Map<String, Tensor> tensors)
            throws IOException {
        var json = Json.readObject(checkpoint.resolve(TRAINER));
        var state = new TrainerState(json.path("global_step").asLong(), json.path("num_input_tokens_seen").asLong(),
                json.path("num_learned_tokens_seen").asLong(), json.path("fingerprint").asString(""));
        if (!state.fingerprint.equals(fingerprint)) {
            throw new FormatException(checkpoint + ": it was made by a run with other settings or data.\n  then: "
                    + state.fingerprint + "\n  now:  " + fingerprint
                    + "\nResume with the same ones, or choose another output_dir.");
        }
        try (var stored = Safetensors.open(checkpoint.resolve(STATE))) {
            for (var entry : tensors.entrySet()) {
                var spec = stored.spec(entry.getKey());
                if (!spec.equals(entry.getValue().spec())) {
                    throw new FormatException(checkpoint.resolve(STATE) + ": tensor '" + entry.getKey() + "' is " + spec
                            + ", this run needs " + entry.getValue().spec());
                }
            }
            for (var entry : tensors.entrySet()) {
                device.write(stored.data(entry.getKey()), entry.getValue());
            }
        }
        return state;
    }

    /** The checkpoint with the most steps, if there is one. */
    public static Optional<Path> latest(Path output) throws IOException {
        return all(output).stream().max(Comparator.comparingLong(Checkpoint::step));
    }

    /** Deletes the oldest ones until no more than the limit are left; 0 keeps all. */
    public static void prune(Path output, int limit) throws IOException {
        var all = new ArrayList<>(all(output));
        all.sort(Comparator.comparingLong(Checkpoint::step));
        for (int i = 0; limit > 0 && i < all.size() - limit; i++) {
            delete(all.get(i));
        }
    }

    private static List<Path> all(Path output) throws IOException {
        if (!Files.isDirectory(output)) {
            return List.of();
        }
        try (var files = Files.list(output)) {
            return files.filter(file -> NAME.matcher(file.getFileName().toString()).matches()).toList();
        }
    }

    private static long step(Path checkpoint) {
        var matcher = NAME.matcher(checkpoint.getFileName().toString());
        return matcher.matches() ? Long.parseLong(matcher.group(1)) : -1;
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (var files = Files.walk(directory)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
