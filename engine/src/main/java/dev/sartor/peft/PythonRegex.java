package dev.sartor.peft;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Regular expressions in Python's syntax, as PEFT's configurations hold them. */
final class PythonRegex {
    private PythonRegex() {}

    /**
     * @param field where the expression stands, for the message
     * @throws IllegalArgumentException if it is not understood
     */
    static Pattern compile(String expression, String field) {
        var translated = expression
                .replace("(?P<", "(?<")
                .replaceAll("\\(\\?P=(\\w+)\\)", "\\\\k<$1>")
                .replace("\\Z", "\\z");
        try {
            return Pattern.compile(translated);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    field + ": '" + expression + "' is no regular expression: " + e.getDescription() + " at position " + e.getIndex(), e);
        }
    }
}
