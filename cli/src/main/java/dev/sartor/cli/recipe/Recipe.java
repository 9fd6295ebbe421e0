package dev.sartor.cli.recipe;

import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Settings of a run: a flat YAML file, then {@code --set key=value} on top. A later value rules over
 * an earlier one. Paths are relative to where the command was called.
 */
public final class Recipe {
    private static final YAMLMapper YAML = YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    private final ObjectNode values = JsonNodeFactory.instance.objectNode();

    /**
     * @throws RecipeException if the file is no map of known keys to values of their types
     */
    public static Recipe read(Path file) throws IOException {
        var recipe = new Recipe();
        if (!Files.isRegularFile(file)) {
            throw new RecipeException(file + ": no such recipe; expected a YAML file");
        }
        JsonNode tree;
        try {
            tree = YAML.readTree(Files.readString(file));
        } catch (JacksonException e) {
            throw new RecipeException(file + ": not readable as YAML: " + Json.reason(e)
                    + (e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr()));
        }
        if (!(tree instanceof ObjectNode object)) {
            throw new RecipeException(file + ": expected keys with values, such as `learning_rate: 2e-4`");
        }
        var named = new HashMap<String, String>();
        for (var entry : object.properties()) {
            recipe.put(entry.getKey(), entry.getValue(), file.toString());
            var earlier = named.put(Keys.find(entry.getKey(), file.toString()).name(), entry.getKey());
            if (earlier != null) {
                throw new RecipeException(file + ": " + earlier + " and " + entry.getKey() + " are one key; leave one out");
            }
        }
        return recipe;
    }

    /** Overrides with {@code key=value}; the value is read as YAML. */
    public Recipe set(String assignment) {
        int equals = assignment.indexOf('=');
        if (equals < 1) {
            throw new RecipeException("--set " + assignment + ": expected key=value");
        }
        JsonNode value;
        try {
            value = YAML.readTree(assignment.substring(equals + 1));
        } catch (JacksonException e) {
            throw new RecipeException("--set " + assignment + ": the value is not readable as YAML: " + Json.reason(e));
        }
        put(assignment.substring(0, equals).strip(), value, "--set " + assignment);
        return this;
    }

    /** Sets a key from the program. */
    public Recipe set(String name, String value) {
        return set(name, value, name);
    }

    /**
     * Sets a key from an option of the command line.
     *
     * @param option its name, for messages
     */
    public Recipe set(String name, String value, String option) {
        put(name, JsonNodeFactory.instance.stringNode(value), option, option);
        return this;
    }

    private void put(String name, JsonNode value, String where) {
        put(name, value, where, where + ": " + name);
    }

    private void put(String name, JsonNode value, String where, String subject) {
        var key = Keys.find(name, where);
        if (value == null || value.isNull() || value.isMissingNode()) {
            values.remove(key.name());
            return;
        }
        var typed = number(key, value);
        if (!key.type().accepts(typed)) {
            throw new RecipeException(subject + ": expected " + key.type().expected() + ", found " + value);
        }
        values.set(key.name(), typed);
    }

    /** YAML 1.1 reads 1e-4 as text, for want of a point. */
    private static JsonNode number(Key key, JsonNode value) {
        if (value.isString() && (key.type() instanceof Key.Type.Number || key.type() instanceof Key.Type.Positive || key.type() instanceof Key.Type.Whole)) {
            try {
                return JsonNodeFactory.instance.numberNode(Double.parseDouble(value.stringValue()));
            } catch (NumberFormatException e) {
                return value;
            }
        }
        return key.type() instanceof Key.Type.Text && value.isValueNode() && !value.isString()
                ? JsonNodeFactory.instance.stringNode(value.asString())
                : value;
    }

    public boolean has(String key) {
        return values.has(key);
    }

    public Optional<JsonNode> value(String key) {
        return Optional.ofNullable(values.get(key));
    }

    public Optional<String> text(String key) {
        return value(key).map(JsonNode::asString);
    }

    public List<String> texts(String key) {
        return value(key)
                .map(value -> value.isArray() ? value.valueStream().map(JsonNode::asString).toList() : List.of(value.asString()))
                .orElse(List.of());
    }

    public OptionalLong whole(String key) {
        return value(key).map(value -> OptionalLong.of(value.longValue())).orElse(OptionalLong.empty());
    }

    public OptionalDouble number(String key) {
        return value(key).map(value -> OptionalDouble.of(value.doubleValue())).orElse(OptionalDouble.empty());
    }

    public boolean flag(String key, boolean otherwise) {
        return value(key).map(JsonNode::booleanValue).orElse(otherwise);
    }

    /**
     * @throws RecipeException if it is not set
     */
    public String required(String key) {
        return text(key).orElseThrow(() -> new RecipeException("the recipe has no " + key + "; set it in the file, or with --set "
                + key + "=..."));
    }

    /** The keys that are set, as one map: what a run records of itself. */
    public ObjectNode tree() {
        return values.deepCopy();
    }
}
