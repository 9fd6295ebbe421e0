package dev.sartor.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Python's {@code json.dumps}, which the {@code tojson} filter of Transformers is. */
final class PythonJson {

    private final boolean ascii;
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean sortKeys;
    private final StringBuilder out = new StringBuilder();

    private PythonJson(boolean ascii, String indent, String itemSeparator, String keySeparator, boolean sortKeys) {
        this.ascii = ascii;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.sortKeys = sortKeys;
    }

    /** The filter: {@code x|tojson(ensure_ascii, indent, separators, sort_keys)}. */
    static String filter(Object value, Arguments arguments) {
        Object[] b = arguments.bind("ensure_ascii", "indent", "separators", "sort_keys");
        String indent = switch (Arguments.or(b[1], null)) {
            case null -> null;
            case String text -> text;
            case Object n -> " ".repeat((int) Math.max(0, arguments.integer(n, 0)));
        };
        String item = indent == null ? ", " : ",";
        String key = ": ";
        if (Arguments.or(b[2], null) instanceof List<?> separators && separators.size() == 2) {
            item = Values.string(separators.get(0));
            key = Values.string(separators.get(1));
        }
        PythonJson json = new PythonJson(Values.truth(Arguments.or(b[0], false)), indent, item, key,
                Values.truth(Arguments.or(b[3], false)));
        json.write(value, 0);
        return json.out.toString();
    }

    private void write(Object value, int depth) {
        switch (value) {
            case null -> out.append("null");
            case Boolean b -> out.append(b);
            case Long n -> out.append(n.longValue());
            case Double d -> out.append(d.isNaN() ? "NaN" : d.isInfinite() ? d > 0 ? "Infinity" : "-Infinity" : Values.floatRepr(d));
            case String text -> string(text);
            case List<?> list -> {
                if (list.isEmpty()) {
                    out.append("[]");
                    return;
                }
                out.append('[');
                String separator = "";
                for (Object item : list) {
                    out.append(separator);
                    newLine(depth + 1);
                    write(item, depth + 1);
                    separator = itemSeparator;
                }
                newLine(depth);
                out.append(']');
            }
            case Map<?, ?> map -> dict(map, depth);
            case Undefined u -> throw u.failure();
            default -> throw Failure.of("a " + Values.typeName(value) + " cannot be written as JSON");
        }
    }

    private void dict(Map<?, ?> map, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        List<? extends Map.Entry<?, ?>> entries = map.entrySet().stream().collect(Collectors.toList());
        if (sortKeys) {
            entries.sort((a, b) -> Values.compare(a.getKey(), b.getKey()));
        }
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> each : entries) {
            out.append(separator);
            newLine(depth + 1);
            string(switch (each.getKey()) {
                case null -> "null";
                case Boolean b -> b.toString();
                case Object key -> Values.string(key);
            });
            out.append(keySeparator);
            write(each.getValue(), depth + 1);
            separator = itemSeparator;
        }
        newLine(depth);
        out.append('}');
    }

    private void newLine(int depth) {
        if (indent != null) {
            out.append('\n').append(indent.repeat(depth));
        }
    }

    private void string(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || ascii && c > 0x7e) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
