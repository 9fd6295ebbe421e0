package dev.sartor.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The header of one safetensors file, read and fully checked: eight bytes of little-endian length, a JSON object of that
 * length, then the tensors' bytes without holes or overlap to the end of the file.
 *
 * @param entries  tensors by name, in the order of their bytes
 * @param metadata the {@code __metadata__} strings, empty if there are none
 */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {

    /** HF's own reader refuses longer headers. */
    static final long MAX_HEADER_BYTES = 100_000_000;

    /**
     * One tensor's place.
     *
     * @param offset first byte, counted from the start of the file
     * @param bytes  length
     */
    record Entry(String name, SafetensorsType type, long[] shape, long offset, long bytes) {

        long elements() {
            return bytes / type.bytes();
        }

        @Override
        public String toString() {
            return type + Arrays.toString(shape);
        }
    }

    static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
        long fileSize = channel.size();
        if (fileSize < 8) {
            throw new FormatException(file + ": " + fileSize + " bytes is too short for a safetensors file; expected at least"
                    + " 8 bytes of header length (an interrupted download or a Git LFS pointer?)");
        }
        ByteBuffer lengthBytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        readFully(file, channel, lengthBytes, 0);
        long length = lengthBytes.flip().getLong();
        if (length < 2 || length > MAX_HEADER_BYTES) {
            throw new FormatException(file + ": header length " + Long.toUnsignedString(length) + " is outside 2.."
                    + MAX_HEADER_BYTES + "; this is not a safetensors file");
        }
        if (length > fileSize - 8) {
            throw new FormatException(file + ": header length " + length + " reaches past the end of the file ("
                    + fileSize + " bytes); the file is cut short, fetch it again");
        }
        ByteBuffer json = ByteBuffer.allocate((int) length);
        readFully(file, channel, json, 8);
        json.flip();
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(json).toString();
        } catch (CharacterCodingException e) {
            throw new FormatException(file + ": the header is not UTF-8; this is not a safetensors file", e);
        }
        JsonNode root = Json.parse(text, file + ": header");
        if (!(root instanceof ObjectNode object)) {
            throw new FormatException(file + ": header: expected a JSON object, found " + Json.kind(root));
        }
        return parse(file, object, 8 + length, fileSize);
    }

    private static SafetensorsHeader parse(Path file, ObjectNode root, long dataStart, long fileSize) throws FormatException {
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonNode> property : root.properties()) {
            if (property.getKey().equals("__metadata__")) {
                readMetadata(file, property.getValue(), metadata);
            } else {
                entries.add(entry(file, property.getKey(), property.getValue(), dataStart, fileSize));
            }
        }
        entries.sort(Comparator.comparingLong(Entry::offset).thenComparingLong(Entry::bytes).thenComparing(Entry::name));
        long expected = dataStart;
        String previous = "the header";
        for (Entry entry : entries) {
            if (entry.offset != expected) {
                throw new FormatException(place(file, entry.name) + "starts at data offset " + (entry.offset - dataStart)
                        + ", expected " + (expected - dataStart) + ", where " + previous + " ends: tensors "
                        + (entry.offset < expected ? "overlap" : "leave a hole"));
            }
            expected += entry.bytes;
            previous = "'" + entry.name + "'";
        }
        if (expected != fileSize) {
            throw new FormatException(file + ": " + (fileSize - expected) + " bytes follow the last tensor, expected none");
        }
        Map<String, Entry> byName = entries.stream()
                .collect(Collectors.toMap(Entry::name, e -> e, (a, b) -> a, LinkedHashMap::new));
        return new SafetensorsHeader(Collections.unmodifiableMap(byName), Collections.unmodifiableMap(metadata));
    }

    private static void readMetadata(Path file, JsonNode node, Map<String, String> into) throws FormatException {
        if (!(node instanceof ObjectNode object)) {
            throw new FormatException(file + ": header: __metadata__ must be an object of strings, found " + Json.kind(node));
        }
        for (Map.Entry<String, JsonNode> property : object.properties()) {
            if (!property.getValue().isString()) {
                throw new FormatException(file + ": header: __metadata__." + property.getKey()
                        + " must be a string, found " + Json.kind(property.getValue()));
            }
            into.put(property.getKey(), property.getValue().stringValue());
        }
    }

    private static Entry entry(Path file, String name, JsonNode node, long dataStart, long fileSize) throws FormatException {
        String place = place(file, name);
        if (!node.isObject()) {
            throw new FormatException(place + "expected an object with dtype, shape and data_offsets, found " + Json.kind(node));
        }
        JsonNode dtype = node.path("dtype");
        if (!dtype.isString()) {
            throw new FormatException(place + "dtype must be a string, found " + Json.kind(dtype));
        }
        SafetensorsType type = SafetensorsType.named(dtype.stringValue()).orElseThrow(() -> new FormatException(
                place + "unknown dtype '" + dtype.stringValue() + "', expected one of "
                        + Arrays.toString(SafetensorsType.values())));
        long[] shape = longs(place + "shape", node.path("shape"));
        long[] offsets = longs(place + "data_offsets", node.path("data_offsets"));
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw new FormatException(place + "data_offsets must be [begin, end] with begin <= end, found " + node.path("data_offsets"));
        }
        long dataBytes = fileSize - dataStart;
        if (offsets[1] > dataBytes) {
            throw new FormatException(place + "data_offsets " + Arrays.toString(offsets) + " reach past the file's " + dataBytes
                    + " bytes of data; the file is cut short, fetch it again");
        }
        long needed = type.bytes();
        try {
            for (long extent : shape) {
                needed = Math.multiplyExact(needed, extent);
            }
        } catch (ArithmeticException e) {
            throw new FormatException(place + "shape " + Arrays.toString(shape) + " is too large to count", e);
        }
        if (offsets[1] - offsets[0] != needed) {
            throw new FormatException(place + type + Arrays.toString(shape) + " needs " + needed + " bytes, data_offsets "
                    + Arrays.toString(offsets) + " hold " + (offsets[1] - offsets[0]));
        }
        return new Entry(name, type, shape, dataStart + offsets[0], needed);
    }

    private static long[] longs(String place, JsonNode node) throws FormatException {
        if (!node.isArray()) {
            throw new FormatException(place + " must be an array of non-negative integers, found " + Json.kind(node));
        }
        long[] values = new long[node.size()];
        for (int i = 0; i < values.length; i++) {
            JsonNode each = node.get(i);
            if (!each.isIntegralNumber() || !each.canConvertToLong() || each.longValue() < 0) {
                throw new FormatException(place + " must be an array of non-negative integers, found " + each + " at index " + i);
            }
            values[i] = each.longValue();
        }
        return values;
    }

    private static String place(Path file, String tensor) {
        return file + ": tensor '" + tensor + "': ";
    }

    private static void readFully(Path file, FileChannel channel, ByteBuffer into, long position) throws IOException {
        while (into.hasRemaining()) {
            int read = channel.read(into, position + into.position());
            if (read < 0) {
                throw new FormatException(file + ": ended while its header was read; the file is changing underneath");
            }
        }
    }
}
