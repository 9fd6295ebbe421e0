package dev.sartor.peft;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** How PEFT names modules in {@code target_modules} and {@code exclude_modules}. */
public sealed interface ModuleSelector {
    String ALL_LINEAR = "all-linear";

    /** Modules with exactly these names, or whose names end in a dot and one of them. */
    record Names(List<String> names) implements ModuleSelector {
        public Names {
            names = List.copyOf(names);
        }
    }

    /** Modules whose whole names a regular expression in Python's syntax matches. */
    record Regex(String pattern) implements ModuleSelector {}

    /** Every linear layer within the blocks. */
    record AllLinear() implements ModuleSelector {}

    /** Nothing said: the model type's usual targets, or nothing excluded. */
    record Unset() implements ModuleSelector {}

    static ModuleSelector names(String... names) {
        return new Names(List.of(names));
    }

    /**
     * Reads a list, a regular expression, {@code all-linear} or null.
     *
     * @param where file and field, for messages
     * @throws FormatException for anything else
     */
    static ModuleSelector read(JsonNode node, String where) throws FormatException {
        if (node.isMissingNode() || node.isNull()) {
            return new Unset();
        }
        if (node.isString()) {
            var text = node.stringValue();
            return text.toLowerCase(Locale.ROOT).equals(ALL_LINEAR) ? new AllLinear() : new Regex(text);
        }
        if (!node.isArray()) {
            throw new FormatException(where + ": expected a list of names, a regular expression or \"" + ALL_LINEAR
                    + "\", found " + Json.kind(node));
        }
        var names = new ArrayList<String>();
        for (var each : node) {
            if (!each.isString()) {
                throw new FormatException(where + ": expected names of modules in the list, found " + Json.kind(each));
            }
            names.add(each.stringValue());
        }
        return new Names(names);
    }

    /** The inverse of {@link #read}. */
    default JsonNode write() {
        var nodes = JsonNodeFactory.instance;
        return switch (this) {
            case Names(var names) -> names.stream().map(nodes::stringNode).collect(nodes::arrayNode, (a, n) -> a.add(n), (a, b) -> a.addAll(b));
            case Regex(var pattern) -> nodes.stringNode(pattern);
            case AllLinear() -> nodes.stringNode(ALL_LINEAR);
            case Unset() -> nodes.nullNode();
        };
    }

    /**
     * Whether a module's name is selected; {@link AllLinear} and {@link Unset} select none by name.
     *
     * @param field for messages
     */
    default Predicate<String> matcher(String field) {
        return switch (this) {
            case Names(var names) -> {
                // A list may name every layer of a model, and every module's name is put to it.
                var entries = Set.copyOf(names);
                yield key -> selects(entries, key);
            }
            case Regex(var expression) -> {
                var pattern = PythonRegex.compile(expression, field);
                yield key -> pattern.matcher(key).matches();
            }
            case AllLinear(), Unset() -> key -> false;
        };
    }

    /** Whether any entry of a list means a module. */
    private static boolean selects(Set<String> entries, String key) {
        if (entries.contains(key)) {
            return true;
        }
        for (int dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
            if (entries.contains(key.substring(dot + 1))) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether a selected layer of a single expert is meant. PEFT on Transformers 5 sees no such layers, since experts'
     * weights are fused there; so what would select them by the way, such as {@code gate_proj}, does not. Names
     * with a dot do, such as {@code experts.3.gate_proj}, and expressions that say {@code experts}.
     */
    default boolean meansExpert(String key) {
        return switch (this) {
            case Names(var names) -> names.stream().anyMatch(name -> name.contains(".") && named(key, name));
            case Regex(var pattern) -> pattern.contains("experts");
            case AllLinear(), Unset() -> false;
        };
    }

    /** Whether an entry of a list means a module. */
    static boolean named(String key, String entry) {
        return key.equals(entry) || key.endsWith("." + entry);
    }

    /** For messages. */
    default String describe() {
        return switch (this) {
            case Names(var names) -> names.stream().collect(Collectors.joining(", ", "[", "]"));
            case Regex(var pattern) -> "the regular expression '" + pattern + "'";
            case AllLinear() -> ALL_LINEAR;
            case Unset() -> "none";
        };
    }
}
