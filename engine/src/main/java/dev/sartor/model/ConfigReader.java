package dev.sartor.model;

import dev.sartor.device.kernel.ActivationKind;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Reads fields of a {@code config.json}, with errors that name file and field.
 *
 * @param where the file, for messages
 */
public record ConfigReader(JsonNode node, String where) {
    private static final Map<String, ActivationKind> ACTIVATIONS = Map.of(
            "silu", ActivationKind.SILU,
            "swish", ActivationKind.SILU,
            "gelu", ActivationKind.GELU,
            "gelu_new", ActivationKind.GELU_TANH,
            "gelu_pytorch_tanh", ActivationKind.GELU_TANH,
            "relu", ActivationKind.RELU);

    public int integer(String field) {
        return optionalInteger(field).orElseThrow(() -> wrong(field, "expected a whole number, found nothing"));
    }

    public int integer(String field, int otherwise) {
        return optionalInteger(field).orElse(otherwise);
    }

    /** A whole number above zero, if the field is there and not null. */
    public Optional<Integer> optionalInteger(String field) {
        var value = node.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() <= 0) {
            throw wrong(field, "expected a whole number above 0, found " + value);
        }
        return Optional.of(value.intValue());
    }

    /** A whole number, 0 or above. */
    public int count(String field, int otherwise) {
        var value = node.path(field);
        return value.isIntegralNumber() && value.canConvertToInt() && value.intValue() == 0 ? 0 : integer(field, otherwise);
    }

    /** A whole number above zero under the one name or the other. */
    public int integer(String field, String otherName, int otherwise) {
        var one = optionalInteger(field);
        var other = optionalInteger(otherName);
        if (one.isPresent() && other.isPresent() && !one.equals(other)) {
            throw wrong(field, one.get() + ", but " + otherName + " is " + other.get() + "; expected one of them, or the same");
        }
        return one.or(() -> other).orElse(otherwise);
    }

    /** A list of whole numbers; empty where there is none. */
    public List<Integer> integers(String field) {
        var value = node.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return List.of();
        }
        if (!value.isArray() || !value.valueStream().allMatch(each -> each.isIntegralNumber() && each.canConvertToInt())) {
            throw wrong(field, "expected a list of whole numbers, found " + value);
        }
        return value.valueStream().map(JsonNode::intValue).toList();
    }

    public double number(String field) {
        return optionalNumber(field).orElseThrow(() -> wrong(field, "expected a number, found nothing"));
    }

    public double number(String field, double otherwise) {
        return optionalNumber(field).orElse(otherwise);
    }

    public Optional<Double> optionalNumber(String field) {
        var value = node.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isNumber()) {
            throw wrong(field, "expected a number, found " + value);
        }
        return Optional.of(value.doubleValue());
    }

    public boolean flag(String field, boolean otherwise) {
        var value = node.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            throw wrong(field, "expected true or false, found " + value);
        }
        return value.booleanValue();
    }

    public String text(String field, String otherwise) {
        var value = node.path(field);
        return value.isString() ? value.stringValue() : otherwise;
    }

    /** The object in the field, if there is one. */
    public Optional<ConfigReader> object(String field) {
        var value = node.path(field);
        return value.isObject() ? Optional.of(new ConfigReader(value, where + ": " + field)) : Optional.empty();
    }

    public ActivationKind activation(String field, String otherwise) {
        var name = text(field, otherwise);
        var kind = ACTIVATIONS.get(name);
        if (kind == null) {
            throw wrong(field, "activation '" + name + "' is none of " + ACTIVATIONS.keySet().stream().sorted().toList());
        }
        return kind;
    }

    /** Refuses a setting that changes the mathematics and is not built. */
    public void expect(String field, boolean expected) {
        if (flag(field, expected) != expected) {
            throw wrong(field, "only " + expected + " is supported");
        }
    }

    public IllegalArgumentException wrong(String field, String message) {
        return new IllegalArgumentException(where + ": " + field + ": " + message);
    }
}
