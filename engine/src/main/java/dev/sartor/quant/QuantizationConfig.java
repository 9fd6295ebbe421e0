package dev.sartor.quant;

import dev.sartor.device.QuantType;
import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a frozen model's linear layers are quantized: what Transformers calls BitsAndBytesConfig.
 * Embeddings, norms and biases never are.
 *
 * @param type of the codes
 * @param doubleQuant whether the block scales of 4-bit codes are quantized too (Dettmers et al. 2023, section 3)
 * @param skipModules layers left as they are, by how their names begin or end, as Transformers matches them
 */
public record QuantizationConfig(QuantType type, boolean doubleQuant, List<String> skipModules) {
    /** The layers that bitsandbytes leaves out of itself: the output head. */
    public static final List<String> DEFAULT_SKIPPED = List.of("lm_head");

    public QuantizationConfig {
        Objects.requireNonNull(type);
        skipModules = List.copyOf(skipModules);
        if (doubleQuant && !type.isFourBit()) {
            throw new IllegalArgumentException("double_quant: is for nf4 and fp4; " + name(type) + " has one scale a row and no blocks");
        }
    }

    /** All linear layers but the output head. */
    public static QuantizationConfig of(QuantType type, boolean doubleQuant) {
        return new QuantizationConfig(type, doubleQuant, DEFAULT_SKIPPED);
    }

    /** Skips these layers as well. */
    public QuantizationConfig skipping(List<String> modules) {
        return new QuantizationConfig(type, doubleQuant, Stream.concat(skipModules.stream(), modules.stream()).distinct().toList());
    }

    /** Whether the linear layer of that name is quantized. */
    public boolean takes(String module) {
        return skipModules.stream().noneMatch(skipped -> matches(module, skipped));
    }

    /** Whether a layer is meant by what is skipped. */
    public static boolean matches(String module, String skipped) {
        return module.startsWith(skipped) || module.endsWith(skipped);
    }

    /**
     * Reads {@code quantization_config} of a config.json; empty if there is none.
     *
     * @param config the whole config.json
     * @param where names the file in messages
     * @throws FormatException if it is of another method, or has settings that are not supported
     */
    public static Optional<QuantizationConfig> read(ObjectNode config, String where) throws FormatException {
        var node = config.path("quantization_config");
        if (node.isMissingNode() || node.isNull()) {
            return Optional.empty();
        }
        where = where + ": quantization_config";
        var method = node.path("quant_method").asString("bitsandbytes");
        if (!method.equals("bitsandbytes")) {
            throw new FormatException(where + ": quant_method: '" + method + "' is not supported; bitsandbytes (nf4, fp4, int8) is."
                    + " Use the model's unquantized version, with --set quantization=nf4");
        }
        boolean eight = flag(node, "load_in_8bit");
        boolean four = flag(node, "load_in_4bit");
        if (eight == four) {
            throw new FormatException(where + ": expected one of load_in_4bit and load_in_8bit to be true");
        }
        var skipped = node.path("llm_int8_skip_modules");
        var skip = skipped.isArray() ? skipped.valueStream().map(JsonNode::asString).toList() : DEFAULT_SKIPPED;
        if (eight) {
            return Optional.of(new QuantizationConfig(QuantType.INT8, false, skip));
        }
        var storage = node.path("bnb_4bit_quant_storage").asString("uint8");
        if (!storage.equals("uint8")) {
            throw new FormatException(where + ": bnb_4bit_quant_storage: '" + storage + "' is not supported, uint8 is");
        }
        return Optional.of(new QuantizationConfig(fourBit(node.path("bnb_4bit_quant_type").asString("fp4"), where),
                flag(node, "bnb_4bit_use_double_quant"), skip));
    }

    private static QuantType fourBit(String name, String where) throws FormatException {
        return switch (name) {
            case "nf4" -> QuantType.NF4;
            case "fp4" -> QuantType.FP4;
            default -> throw new FormatException(where + ": bnb_4bit_quant_type: '" + name + "' is none of nf4, fp4");
        };
    }

    private static boolean flag(JsonNode node, String field) {
        return node.path(field).asBoolean(node.path("_" + field).asBoolean(false));
    }

    /**
     * {@code quantization_config} as Transformers writes it.
     *
     * @param computeType such as {@code bfloat16}
     */
    public ObjectNode toJson(String computeType) {
        var json = Json.object();
        json.put("_load_in_4bit", type.isFourBit());
        json.put("_load_in_8bit", !type.isFourBit());
        json.put("bnb_4bit_compute_dtype", computeType);
        json.put("bnb_4bit_quant_storage", "uint8");
        json.put("bnb_4bit_quant_type", type == QuantType.NF4 ? "nf4" : "fp4");
        json.put("bnb_4bit_use_double_quant", doubleQuant);
        json.put("llm_int8_enable_fp32_cpu_offload", false);
        json.put("llm_int8_has_fp16_weight", false);
        if (skipModules.equals(DEFAULT_SKIPPED)) {
            json.putNull("llm_int8_skip_modules");
        } else {
            var modules = json.putArray("llm_int8_skip_modules");
            skipModules.forEach(modules::add);
        }
        json.put("llm_int8_threshold", 6.0);
        json.put("load_in_4bit", type.isFourBit());
        json.put("load_in_8bit", !type.isFourBit());
        json.put("quant_method", "bitsandbytes");
        return json;
    }

    /**
     * What holds for a directory: its own quantization, which a wish must not contradict, or else the wish.
     *
     * @param stored of the directory, or null where it is not quantized
     * @param wished by the user, or null
     * @throws IllegalArgumentException if they differ
     */
    public static QuantizationConfig agree(QuantizationConfig stored, QuantizationConfig wished, String where) {
        if (stored == null || wished == null) {
            return stored == null ? wished : stored;
        }
        // Whoever asks for what is there need not list what it left out.
        boolean skips = wished.skipModules.equals(DEFAULT_SKIPPED)
                || new TreeSet<>(wished.skipModules).equals(new TreeSet<>(stored.skipModules));
        if (stored.type != wished.type || stored.doubleQuant != wished.doubleQuant || !skips) {
            throw new IllegalArgumentException(where + ": the model is quantized already (" + stored.describe() + "), and "
                    + wished.describe() + " is asked for; leave the quantization keys out, or name the unquantized model");
        }
        return stored;
    }

    /** A type's name in recipes and files, such as {@code nf4}. */
    public static String name(QuantType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    /** Such as {@code nf4 with double quantization}. */
    public String describe() {
        return name(type) + (doubleQuant ? " with double quantization" : "")
                + (skipModules.equals(DEFAULT_SKIPPED) ? "" : " without " + skipModules);
    }
}
