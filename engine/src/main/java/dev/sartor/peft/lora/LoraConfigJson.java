package dev.sartor.peft.lora;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.peft.ModuleSelector;
import dev.sartor.peft.lora.LoraConfig.Bias;
import dev.sartor.peft.lora.LoraConfig.InitLoraWeights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@link LoraConfig} in adapter_config.json, as PEFT 0.21 reads and writes it. */
final class LoraConfigJson {
    /** Fields that must be unset: what they ask for changes the mathematics and is not built. */
    private static final Map<String, String> REFUSED = new TreeMap<>(Map.ofEntries(
            Map.entry("alora_invocation_tokens", "activated LoRA"),
            Map.entry("arrow_config", "Arrow routing"),
            Map.entry("kasa_config", "KaSA"),
            Map.entry("layer_replication", "replicated layers"),
            Map.entry("lora_bias", "a bias of lora_B"),
            Map.entry("megatron_config", "Megatron's parallel layers"),
            Map.entry("monteclora_config", "Monte Carlo LoRA"),
            Map.entry("trainable_token_indices", "training single tokens' embeddings"),
            Map.entry("use_bdlora", "block-diagonal LoRA"),
            Map.entry("use_qalora", "QA-LoRA"),
            Map.entry("velora_config", "VeLoRA"),
            Map.entry("ensure_weight_tying", "tied copies of embedding and head")));

    private static final Set<String> KNOWN = Set.of(
            "peft_type", "inference_mode", "r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "bias",
            "use_rslora", "use_dora", "modules_to_save", "init_lora_weights", "layers_to_transform", "layers_pattern",
            "rank_pattern", "alpha_pattern", "fan_in_fan_out", "task_type", "base_model_name_or_path", "target_parameters");

    /** Values of init_lora_weights under which PEFT changes the base model's weights. */
    private static final List<String> BASE_CHANGING = List.of("pissa", "olora", "corda", "loftq", "lora_ga");

    private final ObjectNode json;
    private final String where;

    private LoraConfigJson(ObjectNode json, String where) {
        this.json = json;
        this.where = where;
    }

    static LoraConfig read(ObjectNode json, String where) throws FormatException {
        return new LoraConfigJson(json, where).read();
    }

    private LoraConfig read() throws FormatException {
        var type = text("peft_type");
        if (type != null && !type.equalsIgnoreCase(LoraMethod.TYPE)) {
            throw wrong("peft_type", "expected " + LoraMethod.TYPE + ", found " + type);
        }
        for (var refused : REFUSED.entrySet()) {
            if (isSet(json.path(refused.getKey()))) {
                throw wrong(refused.getKey(), refused.getValue() + " is not supported; leave it unset");
            }
        }
        var targets = ModuleSelector.read(json.path("target_modules"), where + ": target_modules");
        var exclude = ModuleSelector.read(json.path("exclude_modules"), where + ": exclude_modules");
        if (exclude instanceof ModuleSelector.AllLinear) {
            throw wrong("exclude_modules", "expected a list of names or a regular expression, found \"all-linear\"");
        }
        var parameters = strings("target_parameters");
        if (json.path("target_parameters").isString()) {
            throw wrong("target_parameters", "expected a list of names such as [mlp.experts.gate_up_proj], found a string");
        }
        if (targets instanceof ModuleSelector.Names(var names) && names.isEmpty() && parameters.isEmpty()
                && strings("modules_to_save").isEmpty()) {
            throw wrong("target_modules", "the list is empty; name layers, or write \"all-linear\"");
        }
        var layers = integers("layers_to_transform");
        var pattern = strings("layers_pattern");
        if (json.path("target_modules").isString() && (!layers.isEmpty() || !pattern.isEmpty())) {
            throw wrong(layers.isEmpty() ? "layers_pattern" : "layers_to_transform",
                    "cannot be used where target_modules is a string; make that a list");
        }
        if (!pattern.isEmpty() && layers.isEmpty()) {
            throw wrong("layers_pattern", "needs layers_to_transform, which is unset");
        }
        double dropout = number("lora_dropout", 0);
        if (!(dropout >= 0 && dropout < 1)) {
            throw wrong("lora_dropout", "expected a probability in [0, 1), found " + dropout);
        }
        if (!parameters.isEmpty() && (dropout > 0 || flag("use_dora"))) {
            throw wrong(dropout > 0 ? "lora_dropout" : "use_dora", "does not go together with target_parameters, in PEFT neither;"
                    + " leave it out, or target_parameters");
        }
        return new LoraConfig(
                rank("r", json.path("r"), 8), number("lora_alpha", 8), dropout, targets, exclude, bias(),
                flag("use_rslora"), flag("use_dora"), strings("modules_to_save"), init(), layers, pattern,
                pattern("rank_pattern", (key, node) -> rank("rank_pattern: " + key, node, 0)),
                pattern("alpha_pattern", (key, node) -> number("alpha_pattern: " + key, node)),
                flag("fan_in_fan_out"), text("task_type"), text("base_model_name_or_path"), parameters, other());
    }

    static ObjectNode write(LoraConfig config) {
        var fields = new TreeMap<String, JsonNode>();
        var nodes = JsonNodeFactory.instance;
        config.other().properties().forEach(field -> fields.put(field.getKey(), field.getValue()));
        fields.put("peft_type", nodes.stringNode(LoraMethod.TYPE));
        fields.put("r", nodes.numberNode(config.r()));
        fields.put("lora_alpha", numberNode(config.loraAlpha()));
        fields.put("lora_dropout", nodes.numberNode(config.loraDropout()));
        fields.put("target_modules", config.targetModules().write());
        fields.put("target_parameters", list(config.targetParameters(), nodes::stringNode));
        fields.put("exclude_modules", config.excludeModules().write());
        fields.put("bias", nodes.stringNode(config.bias().name().toLowerCase(Locale.ROOT)));
        fields.put("use_rslora", nodes.booleanNode(config.useRslora()));
        fields.put("use_dora", nodes.booleanNode(config.useDora()));
        fields.put("modules_to_save", list(config.modulesToSave(), nodes::stringNode));
        fields.put("init_lora_weights", switch (config.initLoraWeights()) {
            case KAIMING_UNIFORM -> nodes.booleanNode(true);
            case RANDOM -> nodes.booleanNode(false);
            case GAUSSIAN, EVA, ORTHOGONAL -> nodes.stringNode(config.initLoraWeights().name().toLowerCase(Locale.ROOT));
        });
        fields.put("layers_to_transform", list(config.layersToTransform(), nodes::numberNode));
        fields.put("layers_pattern", list(config.layersPattern(), nodes::stringNode));
        fields.put("rank_pattern", object(config.rankPattern(), nodes::numberNode));
        fields.put("alpha_pattern", object(config.alphaPattern(), LoraConfigJson::numberNode));
        fields.put("fan_in_fan_out", nodes.booleanNode(config.fanInFanOut()));
        fields.put("task_type", textNode(config.taskType()));
        fields.put("base_model_name_or_path", textNode(config.baseModelNameOrPath()));
        var json = Json.object();
        fields.forEach(json::set);
        return json;
    }

    private Bias bias() throws FormatException {
        var name = text("bias");
        for (var bias : Bias.values()) {
            if (name == null ? bias == Bias.NONE : bias.name().toLowerCase(Locale.ROOT).equals(name)) {
                return bias;
            }
        }
        throw wrong("bias", "expected none, all or lora_only, found " + name);
    }

    private InitLoraWeights init() throws FormatException {
        var node = json.path("init_lora_weights");
        if (absent(node) || node.isBoolean()) {
            return absent(node) || node.booleanValue() ? InitLoraWeights.KAIMING_UNIFORM : InitLoraWeights.RANDOM;
        }
        var name = node.isString() ? node.stringValue().toLowerCase(Locale.ROOT) : "";
        if (BASE_CHANGING.stream().anyMatch(name::startsWith)) {
            throw wrong("init_lora_weights", "\"" + name + "\" belongs to changed base weights, which are not at hand; in "
                    + "Python PEFT, save_pretrained(..., path_initial_model_for_weight_conversion=...) makes a plain LoRA of it");
        }
        return switch (name) {
            case "gaussian" -> InitLoraWeights.GAUSSIAN;
            case "eva" -> InitLoraWeights.EVA;
            case "orthogonal" -> InitLoraWeights.ORTHOGONAL;
            default -> throw wrong("init_lora_weights", "expected true, false or \"gaussian\", found " + node);
        };
    }

    private ObjectNode other() {
        var other = Json.object();
        json.properties().stream()
                .filter(field -> !KNOWN.contains(field.getKey()))
                .forEach(field -> other.set(field.getKey(), field.getValue()));
        return other;
    }

    private interface Value<T> {
        T read(String key, JsonNode node) throws FormatException;
    }

    private <T> Map<String, T> pattern(String field, Value<T> value) throws FormatException {
        var node = json.path(field);
        if (!absent(node) && !node.isObject()) {
            throw wrong(field, "expected an object from patterns of names to numbers, found " + Json.kind(node));
        }
        var values = new LinkedHashMap<String, T>();
        for (var entry : node.properties()) {
            values.put(entry.getKey(), value.read(entry.getKey(), entry.getValue()));
        }
        return values;
    }

    private int rank(String field, JsonNode node, int otherwise) throws FormatException {
        if (otherwise > 0 && absent(node)) {
            return otherwise;
        }
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() <= 0) {
            throw wrong(field, "expected a rank, a whole number above 0, found " + (absent(node) ? Json.kind(node) : node));
        }
        return node.intValue();
    }

    private double number(String field, double otherwise) throws FormatException {
        return absent(json.path(field)) ? otherwise : number(field, json.path(field));
    }

    private double number(String field, JsonNode node) throws FormatException {
        if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
            throw wrong(field, "expected a number, found " + (absent(node) ? Json.kind(node) : node));
        }
        return node.doubleValue();
    }

    private boolean flag(String field) throws FormatException {
        var node = json.path(field);
        if (!absent(node) && !node.isBoolean()) {
            throw wrong(field, "expected true or false, found " + node);
        }
        return !absent(node) && node.booleanValue();
    }

    private String text(String field) throws FormatException {
        var node = json.path(field);
        if (!absent(node) && !node.isString()) {
            throw wrong(field, "expected a string, found " + Json.kind(node));
        }
        return absent(node) ? null : node.stringValue();
    }

    /** A string or a list of strings; null is none. */
    private List<String> strings(String field) throws FormatException {
        var strings = new ArrayList<String>();
        for (var each : elements(field)) {
            if (!each.isString()) {
                throw wrong(field, "expected names, found " + Json.kind(each));
            }
            strings.add(each.stringValue());
        }
        return strings;
    }

    private List<Integer> integers(String field) throws FormatException {
        var integers = new ArrayList<Integer>();
        for (var each : elements(field)) {
            if (!each.isIntegralNumber() || !each.canConvertToInt()) {
                throw wrong(field, "expected whole numbers, found " + each);
            }
            integers.add(each.intValue());
        }
        return integers;
    }

    private List<JsonNode> elements(String field) {
        var node = json.path(field);
        if (absent(node)) {
            return List.of();
        }
        var elements = new ArrayList<JsonNode>();
        if (node.isArray()) {
            node.forEach(elements::add);
        } else {
            elements.add(node);
        }
        return elements;
    }

    /** What Python takes for true. */
    private static boolean isSet(JsonNode node) {
        return switch (node.getNodeType()) {
            case NULL, MISSING -> false;
            case BOOLEAN -> node.booleanValue();
            case ARRAY, OBJECT -> !node.isEmpty();
            case STRING -> !node.stringValue().isEmpty();
            default -> true;
        };
    }

    private static boolean absent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    private FormatException wrong(String field, String message) {
        return new FormatException(where + ": " + field + ": " + message);
    }

    private static <T> JsonNode list(List<T> values, Function<T, JsonNode> node) {
        if (values.isEmpty()) {
            return JsonNodeFactory.instance.nullNode();
        }
        var array = JsonNodeFactory.instance.arrayNode();
        values.forEach(value -> array.add(node.apply(value)));
        return array;
    }

    private static <T> JsonNode object(Map<String, T> values, Function<T, JsonNode> node) {
        var object = Json.object();
        values.forEach((key, value) -> object.set(key, node.apply(value)));
        return object;
    }

    private static JsonNode textNode(String value) {
        return value == null ? JsonNodeFactory.instance.nullNode() : JsonNodeFactory.instance.stringNode(value);
    }

    /** Whole numbers without a point, as PEFT has lora_alpha. */
    private static JsonNode numberNode(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? JsonNodeFactory.instance.numberNode((long) value)
                : JsonNodeFactory.instance.numberNode(value);
    }
}
