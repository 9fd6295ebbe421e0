package dev.sartor.io;

import dev.sartor.device.QuantType;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * Quantized weights as bitsandbytes puts them into checkpoints: beside {@code NAME.weight} with its
 * codes, 4-bit ones have {@code NAME.weight.absmax}, {@code .quant_map}, {@code .quant_state.bitsandbytes__nf4}
 * (JSON as bytes) and, doubly quantized, {@code .nested_absmax} and {@code .nested_quant_map}; int8 ones have
 * {@code NAME.SCB} and {@code NAME.weight_format}. A file read or written so needs no alignment: numbers beside
 * the codes are copied.
 *
 * @see <a href="https://github.com/bitsandbytes-foundation/bitsandbytes">QuantState in bitsandbytes' functional.py</a>
 */
public final class BitsAndBytes {
    private static final int BLOCK = QuantType.BLOCK;
    private static final int NESTED_BLOCK = QuantType.NESTED_BLOCK;
    private static final String STATE = ".quant_state.bitsandbytes__";
    private static final List<QuantType> FOUR_BIT_TYPES = List.of(QuantType.NF4, QuantType.FP4);
    private static final Set<String> OF_FOUR_BIT = Set.of(
            ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", STATE + "nf4", STATE + "fp4");

    /** Room for the offset's longest decimal form; shorter ones are followed by spaces, which JSON allows. */
    private static final int STATE_BYTES = 256;

    private BitsAndBytes() {
    }

    /** A quantized matrix [rows, columns]. */
    public sealed interface Stored {
        /** Of its codes. */
        QuantType type();

        /** Whether its scales are quantized too. */
        boolean doublyQuantized();
    }

    /**
     * @param type   NF4 or FP4
     * @param codes  two weights a byte, the first in the high half, [ceil(rows * columns / 2)]
     * @param absmax float32 [blocks]; null where nested
     * @param map    the 16 values
     * @param nested the scales where they are quantized too, or null
     */
    public record FourBit(QuantType type, MemorySegment codes, float[] absmax, float[] map, Nested nested) implements Stored {
        @Override
        public boolean doublyQuantized() {
            return nested != null;
        }
    }

    /**
     * @param codes  [blocks]
     * @param absmax [ceil(blocks / 256)]
     * @param map    the 256 values
     * @param offset added to each scale
     */
    public record Nested(byte[] codes, float[] absmax, float[] map, float offset) {
    }

    /**
     * @param codes int8 [rows, columns]
     * @param scale a row's largest magnitude, [rows]
     */
    public record RowWise(MemorySegment codes, float[] scale) implements Stored {
        @Override
        public QuantType type() {
            return QuantType.INT8;
        }

        @Override
        public boolean doublyQuantized() {
            return false;
        }
    }

    /** Whether the tensor {@code NAME.weight} is quantized. */
    public static boolean isQuantized(Safetensors file, String weight) throws FormatException {
        return fourBitType(file, weight).isPresent() || file.contains(scale(weight));
    }

    /** Whether a tensor of the file only goes with a quantized weight. */
    public static boolean isCompanion(Safetensors file, String name) {
        if (OF_FOUR_BIT.stream().anyMatch(suffix -> name.endsWith(".weight" + suffix))) {
            return true;
        }
        for (String suffix : List.of(".SCB", ".weight_format")) {
            if (name.endsWith(suffix) && file.contains(name.substring(0, name.length() - suffix.length()) + ".weight")) {
                return true;
            }
        }
        return false;
    }

    /**
     * Reads a quantized weight; its codes are valid until the reader reads on.
     *
     * @param weight its key, {@code NAME.weight}
     * @throws FormatException if the tensors beside it are missing, say anything else than rows and columns, or hold
     *     scales that are NaN or infinite
     */
    public static Stored read(TensorReader reader, String weight, long rows, long columns) throws FormatException {
        Optional<QuantType> type = fourBitType(reader.file(), weight);
        return type.isPresent() ? fourBit(reader, weight, type.get(), rows, columns) : rowWise(reader, weight, rows, columns);
    }

    private static Optional<QuantType> fourBitType(Safetensors file, String weight) throws FormatException {
        List<QuantType> types = FOUR_BIT_TYPES.stream().filter(type -> file.contains(weight + STATE + name(type))).toList();
        if (types.size() > 1) {
            throw new FormatException(file.source() + ": tensor '" + weight + "' has the states of two types, " + types);
        }
        if (types.isEmpty() && file.contains(weight + ".absmax")) {
            throw new FormatException(file.source() + ": tensor '" + weight + ".absmax' is there without '" + weight + STATE
                    + "nf4' or '...fp4', which tells how to read it; save the model again with a current bitsandbytes");
        }
        return types.stream().findFirst();
    }

    private static String name(QuantType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    private static FourBit fourBit(TensorReader reader, String weight, QuantType type, long rows, long columns) throws FormatException {
        Safetensors file = reader.file();
        String stateKey = weight + STATE + name(type);
        ObjectNode state = state(file, stateKey);
        expect(file, stateKey, "quant_type", name(type), state.path("quant_type").asString(""));
        expect(file, stateKey, "blocksize", Integer.toString(BLOCK), state.path("blocksize").toString());
        expect(file, stateKey, "shape", "[" + rows + "," + columns + "]", state.path("shape").toString().replace(" ", ""));
        long elements = Math.multiplyExact(rows, columns);
        long blocks = Math.ceilDiv(elements, (long) BLOCK);
        require(file, weight, SafetensorsType.U8, Math.ceilDiv(elements, 2L));
        MemorySegment codes = reader.read(weight);
        float[] map = floats(file, weight + ".quant_map", 16);
        if (!file.contains(weight + ".nested_absmax")) {
            return new FourBit(type, codes, floats(file, weight + ".absmax", blocks), map, null);
        }
        expect(file, stateKey, "nested_blocksize", Integer.toString(NESTED_BLOCK), state.path("nested_blocksize").toString());
        if (!state.path("nested_offset").isNumber()) {
            throw new FormatException(file.source() + ": tensor '" + stateKey + "': nested_offset: expected a number, found "
                    + state.path("nested_offset"));
        }
        float offset = (float) state.path("nested_offset").doubleValue();
        if (!Float.isFinite(offset)) {
            throw notFinite(file, stateKey, "nested_offset", offset);
        }
        byte[] scales = bytes(file, weight + ".absmax", blocks);
        return new FourBit(type, codes, null, map, new Nested(scales,
                floats(file, weight + ".nested_absmax", Math.ceilDiv(blocks, (long) NESTED_BLOCK)),
                floats(file, weight + ".nested_quant_map", 256), offset));
    }

    private static RowWise rowWise(TensorReader reader, String weight, long rows, long columns) throws FormatException {
        Safetensors file = reader.file();
        String format = weight.substring(0, weight.length() - "weight".length()) + "weight_format";
        if (file.contains(format)) {
            expect(file, format, "layout", "0 (row)", bytes(file, format, 1)[0] == 0 ? "0 (row)" : "another");
        }
        require(file, weight, SafetensorsType.I8, Math.multiplyExact(rows, columns));
        return new RowWise(reader.read(weight), floats(file, scale(weight), rows));
    }

    private static String scale(String weight) {
        return weight.endsWith(".weight") ? weight.substring(0, weight.length() - "weight".length()) + "SCB" : weight + ".SCB";
    }

    private static ObjectNode state(Safetensors file, String key) throws FormatException {
        String text = new String(file.bytes(key), StandardCharsets.UTF_8);
        String where = file.source() + ": tensor '" + key + "'";
        if (Json.parse(text, where) instanceof ObjectNode object) {
            return object;
        }
        throw new FormatException(where + ": expected a JSON object, found " + text);
    }

    private static void expect(Safetensors file, String key, String field, String expected, String found) throws FormatException {
        if (!found.equals(expected)) {
            throw new FormatException(file.source() + ": tensor '" + key + "': " + field + ": expected " + expected + ", found "
                    + (found.isEmpty() ? "nothing" : found) + "; what is read is nf4 and fp4 in blocks of " + BLOCK + " (nested "
                    + NESTED_BLOCK + ") and int8 by rows");
        }
    }

    private static byte[] bytes(Safetensors file, String key, long count) throws FormatException {
        require(file, key, SafetensorsType.U8, count);
        return file.bytes(key);
    }

    private static float[] floats(Safetensors file, String key, long count) throws FormatException {
        require(file, key, SafetensorsType.F32, count);
        float[] values = file.floats(key);
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw notFinite(file, key, "element " + i, values[i]);
            }
        }
        return values;
    }

    /** A scale that is none spoils all weights of its block, and every answer of the model. */
    private static FormatException notFinite(Safetensors file, String key, String what, float value) {
        return new FormatException(file.source() + ": tensor '" + key + "': " + what + ": expected a finite number, found " + value
                + "; the checkpoint is broken: fetch it again, or quantize the model again");
    }

    private static void require(Safetensors file, String key, SafetensorsType type, long count) throws FormatException {
        if (file.type(key) != type || file.size(key) != count * type.bytes()) {
            throw new FormatException(file.source() + ": tensor '" + key + "': expected " + count + " elements of " + type
                    + ", found " + file.size(key) / file.type(key).bytes() + " of " + file.type(key));
        }
    }

    /**
     * The tensors of a quantized weight whose sizes are known and whose bytes are not yet.
     *
     * @param weight its key
     * @param dtype  of the weights before
     * @param nested whether the scales are quantized too
     * @param made   makes the weight when the first of its tensors is written; called once
     */
    public static List<TensorSource> fourBit(String weight, QuantType type, DType dtype, long rows, long columns, boolean nested,
            Maker<FourBit> made) {
        Once<FourBit> once = new Once<>(made);
        long elements = Math.multiplyExact(rows, columns);
        long blocks = Math.ceilDiv(elements, (long) BLOCK);
        List<TensorSource> sources = new ArrayList<>();
        sources.add(bytes(weight, sink -> sink.write(once.get().codes()), Math.ceilDiv(elements, 2L), 1));
        if (nested) {
            sources.add(floats(weight + ".nested_absmax", Math.ceilDiv(blocks, (long) NESTED_BLOCK), sink -> sink.write(once.get().nested().absmax())));
            sources.add(floats(weight + ".nested_quant_map", 256, sink -> sink.write(once.get().nested().map())));
            sources.add(bytes(weight + ".absmax", sink -> sink.write(MemorySegment.ofArray(once.get().nested().codes())), blocks));
        } else {
            sources.add(floats(weight + ".absmax", blocks, sink -> sink.write(once.get().absmax())));
        }
        sources.add(floats(weight + ".quant_map", 16, sink -> sink.write(once.get().map())));
        sources.add(bytes(weight + STATE + name(type),
                sink -> sink.write(MemorySegment.ofArray(stateBytes(once.last(), dtype, rows, columns))), STATE_BYTES));
        return sources;
    }

    /** As {@link #fourBit(String, QuantType, DType, long, long, boolean, Maker)}, for int8. */
    public static List<TensorSource> rowWise(String weight, long rows, long columns, Maker<RowWise> made) {
        Once<RowWise> once = new Once<>(made);
        String stem = weight.substring(0, weight.length() - "weight".length());
        return List.of(
                new TensorSource(weight, TensorSpec.of(DType.INT8, rows, columns), sink -> sink.write(once.get().codes())),
                bytes(stem + "weight_format", sink -> sink.write(MemorySegment.ofArray(new byte[1]))),
                floats(scale(weight), rows, sink -> sink.write(once.last().scale())));
    }

    private static TensorSource bytes(String key, TensorSource.Content content, long... dims) {
        return new TensorSource(key, new TensorSpec(DType.UINT8, Shape.of(dims)), content);
    }

    private static TensorSource floats(String key, long count, TensorSource.Content content) {
        return new TensorSource(key, TensorSpec.of(DType.FLOAT32, count), content);
    }

    private static byte[] stateBytes(FourBit stored, DType dtype, long rows, long columns) {
        ObjectNode state = Json.object();
        state.put("quant_type", name(stored.type()));
        state.put("blocksize", BLOCK);
        state.put("dtype", dtype.name().toLowerCase(Locale.ROOT));
        state.putArray("shape").add(rows).add(columns);
        if (stored.nested() != null) {
            state.put("nested_blocksize", NESTED_BLOCK);
            state.put("nested_dtype", "float32");
            state.put("nested_offset", (double) stored.nested().offset());
        }
        byte[] text = Json.compact(state).getBytes(StandardCharsets.UTF_8);
        byte[] padded = Arrays.copyOf(text, STATE_BYTES);
        Arrays.fill(padded, text.length, STATE_BYTES, (byte) ' ');
        return padded;
    }

    /** Makes a quantized weight when its turn to be written has come. */
    @FunctionalInterface
    public interface Maker<T extends Stored> {
        T make() throws IOException;
    }

    /** Holds a weight from its first tensor to its last. */
    private static final class Once<T extends Stored> {
        private final Maker<T> maker;
        private T held;

        Once(Maker<T> maker) {
            this.maker = maker;
        }

        T get() throws IOException {
            if (held == null) {
                held = maker.make();
            }
            return held;
        }

        T last() throws IOException {
            T last = get();
            held = null;
            return last;
        }
    }
}
