package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.optim.Adafactor;
import dev.sartor.optim.AdamW;
import dev.sartor.optim.AdamW8Bit;
import dev.sartor.optim.Lion;
import dev.sartor.optim.Muon;
import dev.sartor.optim.OptimizerSettings;
import dev.sartor.optim.ScheduleFreeAdamW;
import dev.sartor.train.OptimizerArguments;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** Reads which optimizer a recipe asks for; {@code optim} and {@code optim_args} are as in Transformers. */
final class OptimizerReader {
    private static final String PAGED = "paged_";

    private final String optim;
    private final AdamW.Settings adamW;
    private final Map<String, JsonNode> own;
    /** Keys of optim_args that the optimizer has asked for. */
    private final TreeSet<String> known = new TreeSet<>();

    private OptimizerReader(Recipe recipe) {
        var defaults = AdamW.Settings.defaults();
        optim = recipe.text("optim").orElse(defaults.method());
        adamW = new AdamW.Settings((float) recipe.number("adam_beta1").orElse(defaults.beta1()),
                (float) recipe.number("adam_beta2").orElse(defaults.beta2()),
                (float) recipe.number("adam_epsilon").orElse(defaults.epsilon()),
                (float) recipe.number("weight_decay").orElse(defaults.weightDecay()));
        own = recipe.value("optim_args").map(OptimizerReader::arguments).orElse(Map.of());
    }

    static OptimizerArguments read(Recipe recipe) {
        var reader = new OptimizerReader(recipe);
        var settings = reader.settings();
        reader.refuseUnknown();
        return new OptimizerArguments(
                settings, recipe.number("loraplus_lr_ratio").orElse(1), reader.stateDirectory(recipe).map(Path::of).orElse(null));
    }

    /** Whether the learning rate stays up if nothing else is said. */
    static boolean needsNoSchedule(Recipe recipe) {
        return recipe.text("optim").filter("schedule_free_adamw"::equals).isPresent();
    }

    private Optional<String> stateDirectory(Recipe recipe) {
        return recipe.text("optim_state_dir")
                .or(() -> optim.startsWith(PAGED) ? recipe.text("output_dir").or(() -> Optional.of(".")) : Optional.empty());
    }

    private OptimizerSettings settings() {
        return switch (optim.startsWith(PAGED) ? optim.substring(PAGED.length()) : optim) {
            case "adamw_8bit", "adamw_bnb_8bit" -> new AdamW8Bit.Settings(adamW);
            case "adafactor" -> adafactor();
            case "lion", "lion_32bit" -> new Lion.Settings(adamW.beta1(), adamW.beta2(), adamW.weightDecay());
            case "muon" -> muon();
            case "schedule_free_adamw" -> new ScheduleFreeAdamW.Settings(adamW.beta1(), adamW.beta2(), adamW.epsilon(),
                    adamW.weightDecay(), number("r", 0), number("weight_lr_power", 2));
            case "adamw", "adamw_torch", "adamw_32bit" -> adamW;
            default -> throw new IllegalArgumentException("optim: expected one of those that sartor keys lists, found '" + optim + "'");
        };
    }

    private OptimizerSettings adafactor() {
        var defaults = Adafactor.Settings.defaults();
        float[] eps = pair("eps", defaults.epsilon1(), defaults.epsilon2());
        return new Adafactor.Settings(eps[0], eps[1], number("clip_threshold", defaults.clipThreshold()),
                number("decay_rate", defaults.decayRate()), adamW.weightDecay(), flag("scale_parameter", defaults.scaleParameter()),
                flag("relative_step", defaults.relativeStep()), flag("warmup_init", defaults.warmupInit()));
    }

    private OptimizerSettings muon() {
        var defaults = Muon.Settings.of(adamW);
        return new Muon.Settings(number("momentum", defaults.momentum()), flag("nesterov", defaults.nesterov()),
                whole("ns_steps", defaults.nsSteps()), adjustLr(defaults.adjustLr()), adamW.weightDecay(), adamW);
    }

    private Muon.AdjustLr adjustLr(Muon.AdjustLr otherwise) {
        var value = take("adjust_lr_fn");
        if (value == null) {
            return otherwise;
        }
        return switch (value.asString()) {
            case "original" -> Muon.AdjustLr.ORIGINAL;
            case "match_rms_adamw" -> Muon.AdjustLr.MATCH_RMS_ADAMW;
            default -> throw wrong("adjust_lr_fn", "original or match_rms_adamw", value);
        };
    }

    // optim_args

    private static Map<String, JsonNode> arguments(JsonNode value) {
        var arguments = new LinkedHashMap<String, JsonNode>();
        if (value.isObject()) {
            value.properties().forEach(entry -> arguments.put(entry.getKey(), entry.getValue()));
            return arguments;
        }
        for (var part : value.stringValue().split(",")) {
            int equals = part.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("optim_args: expected key=value,key=value, found '" + part.strip() + "'");
            }
            arguments.put(part.substring(0, equals).strip(), JsonNodeFactory.instance.stringNode(part.substring(equals + 1).strip()));
        }
        return arguments;
    }

    private JsonNode take(String key) {
        known.add(key);
        return own.get(key);
    }

    private float number(String key, float otherwise) {
        var value = take(key);
        return value == null ? otherwise : number(key, value);
    }

    private static float number(String key, JsonNode value) {
        try {
            return value.isNumber() ? value.floatValue() : Float.parseFloat(value.asString());
        } catch (NumberFormatException e) {
            throw wrong(key, "a number", value);
        }
    }

    private int whole(String key, int otherwise) {
        float value = number(key, otherwise);
        if (value != Math.rint(value) || Math.abs(value) > Short.MAX_VALUE) {
            throw wrong(key, "a whole number", own.get(key));
        }
        return (int) value;
    }

    private boolean flag(String key, boolean otherwise) {
        var value = take(key);
        if (value == null) {
            return otherwise;
        }
        return switch (value.asString().toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(key, "true or false", value);
        };
    }

    private float[] pair(String key, float first, float second) {
        var value = take(key);
        if (value == null) {
            return new float[] {first, second};
        }
        if (!value.isArray() || value.size() != 2) {
            throw wrong(key, "two numbers in a map, such as {" + key + ": [1e-30, 1e-3]}", value);
        }
        return new float[] {number(key, value.get(0)), number(key, value.get(1))};
    }

    private static IllegalArgumentException wrong(String key, String expected, JsonNode found) {
        return new IllegalArgumentException("optim_args: " + key + ": expected " + expected + ", found " + found);
    }

    private void refuseUnknown() {
        for (var key : own.keySet()) {
            if (!known.contains(key)) {
                throw new IllegalArgumentException("optim_args: " + optim + " has no '" + key + "'; "
                        + (known.isEmpty() ? "it has none" : "it has " + String.join(", ", known)));
            }
        }
    }
}
