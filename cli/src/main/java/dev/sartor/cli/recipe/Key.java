package dev.sartor.cli.recipe;

import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * A key that a recipe may have.
 *
 * @param name as TRL, Transformers or PEFT call it
 * @param aliases other names that those libraries use for it
 * @param type what its value must be
 * @param meaning one line for people
 */
public record Key(String name, List<String> aliases, Type type, String meaning) {
    /** Kinds of values. */
    public sealed interface Type {
        /** Whether the value is of this type. */
        boolean accepts(JsonNode value);

        /** Such as "a number". */
        String expected();

        record Text() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isString();
            }

            @Override
            public String expected() {
                return "text";
            }
        }

        record Flag() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isBoolean();
            }

            @Override
            public String expected() {
                return "true or false";
            }
        }

        /** True, false, or one of some words. */
        record FlagOr(List<String> words) implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isBoolean() || value.isString() && words.contains(value.stringValue());
            }

            @Override
            public String expected() {
                return "true, false or " + String.join(", ", words);
            }
        }

        /** A number of bytes, alone or with a unit. */
        record Size() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isValueNode() && dev.sartor.cli.recipe.Size.parse(value.asString()).isPresent();
            }

            @Override
            public String expected() {
                return dev.sartor.cli.recipe.Size.EXPECTED;
            }
        }

        /** A whole number of at least the minimum. */
        record Whole(long minimum) implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isIntegralNumber() && value.canConvertToLong() && value.longValue() >= minimum;
            }

            @Override
            public String expected() {
                return "a whole number of " + minimum + " or more";
            }
        }

        record Number(double minimum, double maximum) implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isNumber() && value.doubleValue() >= minimum && value.doubleValue() <= maximum;
            }

            @Override
            public String expected() {
                return maximum == Double.MAX_VALUE ? "a number of " + plain(minimum) + " or more"
                        : "a number from " + plain(minimum) + " to " + plain(maximum);
            }

            private static String plain(double number) {
                return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
            }
        }

        /** A number of more than 0. */
        record Positive() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isNumber() && value.doubleValue() > 0 && Double.isFinite(value.doubleValue());
            }

            @Override
            public String expected() {
                return "a number above 0";
            }
        }

        record Choice(List<String> values) implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isString() && values.contains(value.stringValue());
            }

            @Override
            public String expected() {
                return values.stream().collect(Collectors.joining(", ", "one of ", ""));
            }
        }

        /** Left to PEFT's own reader: lists, expressions, maps. */
        record Peft() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return true;
            }

            @Override
            public String expected() {
                return "what PEFT's configuration takes";
            }
        }

        /** A map of keys to values, or the same as text: key=value,key=value. */
        record Settings() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isString() || value.isObject();
            }

            @Override
            public String expected() {
                return "key=value,key=value, or a map";
            }
        }

        /** One text or a list of them. */
        record Texts() implements Type {
            @Override
            public boolean accepts(JsonNode value) {
                return value.isString() || value.isArray() && value.valueStream().allMatch(JsonNode::isString);
            }

            @Override
            public String expected() {
                return "text, or a list of texts";
            }
        }
    }
}
