package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.io.AtomicFiles;
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
    private static final long COPIED_AT_ONCE = 1 << 22;

    private Checkpoint() {}

    /**
     * What a run must know besides tensors.
     *
     * @param step optimizer steps done
     * @param unlogged losses of the steps since the last report
     * @param fingerprint of data and settings; a run resumes only its own kind
     */
    public record TrainerState(long step, long tokens, long learnedTokens, StepLoss unlogged, String fingerprint) {}

    /** Writes {@code checkpoint-<step>} under the directory. */
    public static Path save(
            Path output, TrainerState state, Trainee trainee, Device device, Map<String, Tensor> tensors) throws IOException {
        var target = output.resolve("checkpoint-" + state.step);
        AtomicFiles.writeDirectory(target, directory -> fill(directory, state, trainee, device, tensors));
        return target;
    }

    private static void fill(
            Path directory, TrainerState state, Trainee trainee, Device device, Map<String, Tensor> tensors) throws IOException {
        trainee.save(directory);
        var sources = new ArrayList<TensorSource>();
        tensors.forEach((name, tensor) -> sources.add(new TensorSource(name, tensor.spec(), sink -> copy(device, tensor, sink))));
        SafetensorsWriter.write(directory.resolve(STATE), sources);
        var json = Json.object();
        json.put("global_step", state.step);
        json.put("num_input_tokens_seen", state.tokens);
        json.put("num_learned_tokens_seen", state.learnedTokens);
        json.set("unlogged", state.unlogged.toJson());
        json.put("fingerprint", state.fingerprint);
        Json.write(directory.resolve(TRAINER), json);
    }

    /** A few rows at a time: state that lies in a file may be larger than memory, and no plan counts a copy of it. */
    private static void copy(Device device, Tensor tensor, TensorSource.Sink sink) throws IOException {
        long rows = tensor.shape().dim(0);
        long block = Math.clamp(COPIED_AT_ONCE / (tensor.spec().bytes() / rows), 1, rows);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(block * (tensor.spec().bytes() / rows), 8);
            for (long first = 0; first < rows; first += block) {
                var part = tensor.slice(first, Math.min(block, rows - first));
                device.read(part, host.asSlice(0, part.spec().bytes()));
                sink.write(host.asSlice(0, part.spec().bytes()));
            }
        }
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
                json.path("num_learned_tokens_seen").asLong(), StepLoss.of(json.path("unlogged")),
                json.path("fingerprint").asString(""));
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

    /** Deletes those with the fewest steps until no more than the limit are left, but never the one to keep; 0 keeps all. */
    public static void prune(Path output, int limit, Path keep) throws IOException {
        var others = all(output).stream()
                .filter(checkpoint -> !checkpoint.equals(keep))
                .sorted(Comparator.comparingLong(Checkpoint::step))
                .toList();
        for (int i = 0; limit > 0 && i < others.size() - (limit - 1); i++) {
            delete(others.get(i));
        }
    }

    /**
     * Deletes all of them, to make place for another run's.
     *
     * @return how many there were
     */
    public static int deleteAll(Path output) throws IOException {
        var all = all(output);
        for (var checkpoint : all) {
            delete(checkpoint);
        }
        return all.size();
    }

    /** Out of the way first, so that a crash leaves no half of it under its name. */
    private static void delete(Path checkpoint) throws IOException {
        var doomed = checkpoint.resolveSibling("." + checkpoint.getFileName() + ".pruned");
        Files.move(checkpoint, doomed, StandardCopyOption.ATOMIC_MOVE);
        AtomicFiles.deleteTree(doomed);
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
}
