package dev.sartor.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes safetensors files: the header padded with spaces to a multiple of eight bytes, then each tensor as its source
 * streams it. Files are written beside their place and renamed in.
 */
public final class SafetensorsWriter {

    /** The shard size above which Transformers splits a model: 5 GB. */
    public static final long DEFAULT_MAX_SHARD_BYTES = 5_000_000_000L;

    /** The metadata that Transformers and PEFT expect. */
    public static final Map<String, String> PYTORCH = Map.of("format", "pt");

    private SafetensorsWriter() {
    }

    /**
     * Writes one file, with {@link #PYTORCH} metadata.
     *
     * @throws IllegalArgumentException if two tensors have one name
     */
    public static void write(Path file, List<TensorSource> tensors) throws IOException {
        write(file, tensors, PYTORCH);
    }

    /** As {@link #write(Path, List)}, with other metadata. */
    public static void write(Path file, List<TensorSource> tensors, Map<String, String> metadata) throws IOException {
        requireDistinct(tensors);
        Path staged = stage(file, tensors, metadata);
        try {
            AtomicFiles.publish(staged, file);
        } catch (IOException | RuntimeException e) {
            AtomicFiles.discard(staged);
            throw e;
        }
    }

    /**
     * Writes a model's weights into a directory: {@code model.safetensors}, or, above {@code maxShardBytes},
     * {@code model-00001-of-0000N.safetensors} and so on with {@code model.safetensors.index.json}. Weights of an earlier
     * save that are not part of this one are removed once all of this one is in place, so that no reader takes them.
     *
     * @param maxShardBytes upper bound on the tensors' bytes in one file; a larger tensor gets a file of its own
     */
    public static void writeModel(Path directory, List<TensorSource> tensors, long maxShardBytes) throws IOException {
        if (maxShardBytes <= 0) {
            throw new IllegalArgumentException("max_shard_size must be positive, found " + maxShardBytes);
        }
        requireDistinct(tensors);
        Files.createDirectories(directory);
        List<List<TensorSource>> shards = split(tensors, maxShardBytes);
        Map<Path, Path> staged = new LinkedHashMap<>();
        Set<String> kept = new HashSet<>();
        try {
            ObjectNode weightMap = Json.object();
            long total = 0;
            for (int i = 0; i < shards.size(); i++) {
                String name = shards.size() == 1 ? Safetensors.SINGLE
                        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
                Path target = directory.resolve(name);
                staged.put(stage(target, shards.get(i), PYTORCH), target);
                kept.add(name);
                for (TensorSource tensor : shards.get(i)) {
                    weightMap.put(tensor.name(), name);
                    total += tensor.bytes();
                }
            }
            if (shards.size() > 1) {
                ObjectNode index = Json.object();
                index.putObject("metadata").put("total_size", total);
                index.set("weight_map", weightMap);
                Path target = directory.resolve(Safetensors.INDEX);
                byte[] text = (Json.pretty(index) + "\n").getBytes(StandardCharsets.UTF_8);
                staged.put(AtomicFiles.stage(target, text.length, channel -> new ChannelSink(channel).drain(ByteBuffer.wrap(text))), target);
                kept.add(Safetensors.INDEX);
            }
            for (Map.Entry<Path, Path> each : staged.entrySet()) {
                AtomicFiles.publish(each.getKey(), each.getValue());
            }
        } finally {
            for (Path temporary : staged.keySet()) {
                AtomicFiles.discard(temporary);
            }
        }
        removeOlder(directory, kept);
    }

    private static void removeOlder(Path directory, Set<String> kept) throws IOException {
        List<Path> older;
        try (Stream<Path> files = Files.list(directory)) {
            older = files.filter(file -> {
                String name = file.getFileName().toString();
                return !kept.contains(name) && (name.equals(Safetensors.SINGLE) || name.equals(Safetensors.INDEX)
                        || name.matches("model-\\d{5}-of-\\d{5}\\.safetensors"));
            }).toList();
        }
        for (Path file : older) {
            Files.delete(file);
        }
    }

    private static List<List<TensorSource>> split(List<TensorSource> tensors, long maxShardBytes) {
        List<List<TensorSource>> shards = new ArrayList<>();
        shards.add(new ArrayList<>());
        long filled = 0;
        for (TensorSource tensor : tensors) {
            if (filled > 0 && filled + tensor.bytes() > maxShardBytes) {
                shards.add(new ArrayList<>());
                filled = 0;
            }
            shards.getLast().add(tensor);
            filled += tensor.bytes();
        }
        return shards;
    }

    private static Path stage(Path target, List<TensorSource> tensors, Map<String, String> metadata) throws IOException {
        byte[] header = header(tensors, metadata);
        long bytes = 8 + header.length + tensors.stream().mapToLong(TensorSource::bytes).sum();
        return AtomicFiles.stage(target, bytes, channel -> {
            ChannelSink sink = new ChannelSink(channel);
            ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length);
            sink.drain(length.flip());
            sink.drain(ByteBuffer.wrap(header));
            for (TensorSource tensor : tensors) {
                sink.write(tensor);
            }
        });
    }

    private static byte[] header(List<TensorSource> tensors, Map<String, String> metadata) {
        ObjectNode root = Json.object();
        if (!metadata.isEmpty()) {
            ObjectNode node = root.putObject("__metadata__");
            metadata.forEach(node::put);
        }
        long offset = 0;
        for (TensorSource tensor : tensors) {
            ObjectNode entry = root.putObject(tensor.name());
            entry.put("dtype", tensor.spec().dtype().safetensorsName());
            ArrayNode shape = entry.putArray("shape");
            for (int i = 0; i < tensor.spec().shape().rank(); i++) {
                shape.add(tensor.spec().shape().dim(i));
            }
            entry.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
            offset += tensor.bytes();
        }
        StringBuilder text = new StringBuilder(Json.compact(root));
        int bytes = text.toString().getBytes(StandardCharsets.UTF_8).length;
        text.repeat(' ', -bytes & 7);
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void requireDistinct(List<TensorSource> tensors) {
        Set<String> names = new HashSet<>();
        for (TensorSource tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException("two tensors are named '" + tensor.name() + "'");
            }
        }
    }
}
