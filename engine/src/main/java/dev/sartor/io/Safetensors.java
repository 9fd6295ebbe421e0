package dev.sartor.io;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.CRC32;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Tensors of one safetensors file or of shards bound by an {@code *.safetensors.index.json}. Headers are checked in full
 * when opened. {@link #data} is memory-mapped, so it costs no copying and its pages come in when they are touched, and
 * stay; it is valid until {@link #close}. All else reads the files, and leaves none of their pages in the process. Safe
 * for use by several threads.
 *
 * <p>The bytes belong to the file: whoever shortens it while it is open makes later reads fail.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public final class Safetensors implements AutoCloseable {

    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";
    private static final int SAMPLED_BYTES = 1024;
    private static final long MOST_AT_ONCE = 1L << 26;

    private record Located(Path file, FileChannel channel, MemorySegment mapped, SafetensorsHeader.Entry entry) {
        void read(long offset, ByteBuffer into) throws FormatException {
            long position = entry.offset() + offset;
            int start = into.position();
            try {
                while (into.hasRemaining()) {
                    if (channel.read(into, position + into.position() - start) < 0) {
                        throw new FormatException(file + ": ended while tensor '" + entry.name()
                                + "' was read; the file is changing underneath");
                    }
                }
            } catch (FormatException e) {
                throw e;
            } catch (IOException e) {
                throw new FormatException(file + ": tensor '" + entry.name() + "' cannot be read: " + e, e);
            }
        }
    }

    private final Path source;
    private final Open open;
    private final Map<String, Located> tensors;
    private final Map<String, String> metadata;

    /** What is closed in the end. */
    private record Open(Arena arena, List<FileChannel> channels) implements AutoCloseable {
        @Override
        public void close() {
            arena.close();
            for (FileChannel channel : channels) {
                try {
                    channel.close();
                } catch (IOException e) {
                    System.getLogger(Safetensors.class.getName()).log(System.Logger.Level.DEBUG, "not closed", e);
                }
            }
        }
    }

    private Safetensors(Path source, Open open, Map<String, Located> tensors, Map<String, String> metadata) {
        this.source = source;
        this.open = open;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /**
     * Opens a {@code .safetensors} file, an {@code .index.json} with its shards, or a directory holding
     * {@code model.safetensors} or {@code model.safetensors.index.json} (the single file is preferred, as Transformers does).
     *
     * @throws FormatException if there is nothing to open, a header is wrong, or index and shards disagree
     */
    public static Safetensors open(Path fileOrDirectory) throws IOException {
        Path path = fileOrDirectory;
        if (Files.isDirectory(path)) {
            Path single = path.resolve(SINGLE);
            Path index = path.resolve(INDEX);
            if (Files.exists(single)) {
                path = single;
            } else if (Files.exists(index)) {
                path = index;
            } else {
                throw new FormatException(path + ": expected " + SINGLE + " or " + INDEX + " in this directory"
                        + ModelDirectory.weightsRemedy(path));
            }
        }
        Open open = new Open(Arena.ofShared(), new ArrayList<>());
        try {
            return path.getFileName().toString().endsWith(".index.json") ? sharded(path, open) : single(path, open);
        } catch (IOException | RuntimeException e) {
            open.close();
            throw e;
        }
    }

    private static Safetensors single(Path file, Open open) throws IOException {
        Map<String, Located> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        map(file, open, tensors, metadata);
        return new Safetensors(file, open, tensors, metadata);
    }

    private static Safetensors sharded(Path index, Open open) throws IOException {
        JsonNode weightMap = Json.readObject(index).path("weight_map");
        if (!(weightMap instanceof ObjectNode object)) {
            throw new FormatException(index + ": weight_map must be an object from tensor names to files, found " + Json.kind(weightMap));
        }
        Map<String, String> fileOf = new TreeMap<>();
        for (Map.Entry<String, JsonNode> property : object.properties()) {
            JsonNode file = property.getValue();
            if (!file.isString() || !file.stringValue().matches("[^/\\\\]+\\.safetensors")) {
                throw new FormatException(index + ": weight_map['" + property.getKey() + "'] must be the name of a .safetensors file beside it, found " + file);
            }
            fileOf.put(property.getKey(), file.stringValue());
        }
        Map<String, Located> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (String name : new TreeSet<>(fileOf.values())) {
            Path shard = index.resolveSibling(name);
            if (!Files.exists(shard)) {
                throw new FormatException(index + ": the shard " + name + " is missing; fetch the model again");
            }
            map(shard, open, tensors, metadata);
        }
        for (Map.Entry<String, String> mapped : fileOf.entrySet()) {
            Located located = tensors.get(mapped.getKey());
            if (located == null || !located.file.getFileName().toString().equals(mapped.getValue())) {
                throw new FormatException(index + ": tensor '" + mapped.getKey() + "' should be in " + mapped.getValue()
                        + ", but " + (located == null ? "no shard has it" : located.file.getFileName() + " has it"));
            }
        }
        for (Map.Entry<String, Located> present : tensors.entrySet()) {
            if (!fileOf.containsKey(present.getKey())) {
                throw new FormatException(present.getValue().file + ": tensor '" + present.getKey() + "' is not in " + index.getFileName());
            }
        }
        return new Safetensors(index, open, tensors, metadata);
    }

    private static void map(Path file, Open open, Map<String, Located> tensors, Map<String, String> metadata) throws IOException {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            open.channels.add(channel);
            SafetensorsHeader header = SafetensorsHeader.read(file, channel);
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), open.arena);
            for (SafetensorsHeader.Entry entry : header.entries().values()) {
                Located earlier = tensors.put(entry.name(), new Located(file, channel, mapped, entry));
                if (earlier != null) {
                    throw new FormatException(file + ": tensor '" + entry.name() + "' is also in " + earlier.file);
                }
            }
            metadata.putAll(header.metadata());
        } catch (NoSuchFileException e) {
            throw new FormatException(file + ": no such file", e);
        }
    }

    /** The file or index this was opened from. */
    public Path source() {
        return source;
    }

    /** Where a tensor is, for messages: {@code FILE: tensor 'NAME'}. */
    public String where(String name) {
        Located located = tensors.get(name);
        return (located == null ? source : located.file) + ": tensor '" + name + "'";
    }

    /** All tensor names, shard by shard in the order of their bytes. */
    public Set<String> names() {
        return tensors.keySet();
    }

    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    /** The {@code __metadata__} strings of all files together. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** The stored element type, which may be one the engine cannot compute with. */
    public SafetensorsType type(String name) throws FormatException {
        return find(name).entry.type();
    }

    /**
     * The tensor's dtype and shape.
     *
     * @throws FormatException if there is no such tensor or its type is not one of {@link DType}
     */
    public TensorSpec spec(String name) throws FormatException {
        Located located = find(name);
        DType dtype = located.entry.type().dtype().orElseThrow(() -> new FormatException(located.file + ": tensor '" + name
                + "': dtype " + located.entry.type() + " cannot be used; convert it to F32, BF16 or F16 first"));
        return new TensorSpec(dtype, Shape.of(located.entry.shape()));
    }

    /**
     * The tensor's bytes, row-major and little-endian, read-only and mapped: no copy. The address is as aligned as the
     * file made it (8 bytes in files of this writer and of Hugging Face's, nothing promised for others).
     */
    public MemorySegment data(String name) throws FormatException {
        Located located = find(name);
        return located.mapped.asSlice(located.entry.offset(), located.entry.bytes()).asReadOnly();
    }

    /**
     * Reads some of a tensor's bytes, row-major and little-endian.
     *
     * @param offset of the first byte, from the tensor's start
     * @param into   native memory, as much as is to be read
     * @throws FormatException if there is no such tensor, it is not that large, or the file has become shorter
     */
    public void read(String name, long offset, MemorySegment into) throws FormatException {
        Located located = find(name);
        if (offset < 0 || into.byteSize() > located.entry.bytes() - offset) {
            throw new FormatException(located.file + ": tensor '" + name + "' has " + located.entry.bytes() + " bytes, not "
                    + into.byteSize() + " from " + offset + " on");
        }
        for (long at = 0; at < into.byteSize(); at += MOST_AT_ONCE) {
            located.read(offset + at, into.asSlice(at, Math.min(MOST_AT_ONCE, into.byteSize() - at)).asByteBuffer());
        }
    }

    /** A copy of a small tensor's bytes. */
    public byte[] bytes(String name) throws FormatException {
        Located located = find(name);
        byte[] bytes = new byte[Math.toIntExact(located.entry.bytes())];
        located.read(0, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Bytes of a tensor. */
    public long size(String name) throws FormatException {
        return find(name).entry.bytes();
    }

    /**
     * Copies a tensor of F64, F32, F16, BF16, I64 or I32 into floats, row-major.
     *
     * @throws FormatException for other types
     */
    public float[] floats(String name) throws FormatException {
        return convert(name, Conversions::toFloats);
    }

    /**
     * Copies a tensor of I64, I32, U8 or BOOL into ints, row-major.
     *
     * @throws FormatException for other types, or where a value does not fit an int
     */
    public int[] ints(String name) throws FormatException {
        return convert(name, Conversions::toInts);
    }

    /** Total bytes of all tensors. */
    public long totalBytes() {
        return tensors.values().stream().mapToLong(located -> located.entry.bytes()).sum();
    }

    /**
     * A number that tells one model's tensors from another's without reading all of them: a checksum of names, types,
     * shapes, and {@value #SAMPLED_BYTES} bytes at each tensor's start, middle and end. How tensors are divided among
     * files does not matter.
     */
    public long digest() throws FormatException {
        CRC32 digest = new CRC32();
        ByteBuffer sample = ByteBuffer.allocate(SAMPLED_BYTES);
        for (Map.Entry<String, Located> tensor : new TreeMap<>(tensors).entrySet()) {
            Located located = tensor.getValue();
            digest.update((tensor.getKey() + " " + located.entry + "\n").getBytes(StandardCharsets.UTF_8));
            long bytes = located.entry.bytes();
            int part = (int) Math.min(SAMPLED_BYTES, bytes);
            for (long at : new long[] {0, (bytes - part) / 2, bytes - part}) {
                // A touched page of a mapped file brings its neighbours in, and all of them would stay.
                located.read(at, sample.clear().limit(part));
                digest.update(sample.flip());
            }
        }
        return digest.getValue();
    }

    /** Unmaps and closes the files: every segment from {@link #data} is invalid after this. */
    @Override
    public void close() {
        open.close();
    }

    private interface Conversion<T> {
        T apply(MemorySegment data, SafetensorsType type);
    }

    private <T> T convert(String name, Conversion<T> conversion) throws FormatException {
        Located located = find(name);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(located.entry.bytes(), Long.BYTES);
            read(name, 0, data);
            return conversion.apply(data, located.entry.type());
        } catch (IllegalArgumentException e) {
            throw new FormatException(located.file + ": tensor '" + name + "' " + located.entry + ": " + e.getMessage(), e);
        }
    }

    private Located find(String name) throws FormatException {
        Located located = tensors.get(name);
        if (located == null) {
            throw new FormatException(source + ": no tensor '" + name + "'" + nearest(name));
        }
        return located;
    }

    private String nearest(String name) {
        String tail = name.substring(name.lastIndexOf('.') + 1);
        List<String> alike = new ArrayList<>();
        for (String candidate : tensors.keySet()) {
            if (candidate.endsWith(name) || name.endsWith(candidate) || alike.size() < 3 && candidate.endsWith("." + tail)) {
                alike.add(candidate);
            }
        }
        List<String> shown = alike.isEmpty() ? List.copyOf(tensors.keySet()) : alike;
        return "; of its " + tensors.size() + " tensors, some are " + shown.subList(0, Math.min(3, shown.size()));
    }
}
