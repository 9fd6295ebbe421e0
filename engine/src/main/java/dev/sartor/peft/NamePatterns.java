package dev.sartor.peft;

import java.util.Map;

/** {@code rank_pattern} and {@code alpha_pattern}: values for modules whose names an expression matches at the end. */
public final class NamePatterns {
    private NamePatterns() {}

    /**
     * The value of the first pattern that matches the whole name or its end after a dot; else the
     * other value. Patterns are regular expressions in Python's syntax.
     *
     * @param patterns in the order in which they are tried
     * @param field for messages
     */
    public static <T> T value(Map<String, T> patterns, String module, T otherwise, String field) {
        return patterns.entrySet().stream()
                .filter(entry -> PythonRegex.compile("(.*\\.)?(" + entry.getKey() + ")$", field).matcher(module).lookingAt())
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(otherwise);
    }
}
