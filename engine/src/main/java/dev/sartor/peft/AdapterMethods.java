package dev.sartor.peft;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.util.List;
import java.util.ServiceLoader;
import tools.jackson.databind.node.ObjectNode;

/** The methods that are there. */
public final class AdapterMethods {
    private static final List<AdapterMethod<?>> ALL = ServiceLoader.load(AdapterMethod.class).stream()
            .<AdapterMethod<?>>map(ServiceLoader.Provider::get)
            .toList();

    private AdapterMethods() {}

    /**
     * Reads a configuration of whichever method its {@code peft_type} names.
     *
     * @param where the file, for messages
     * @throws FormatException if the method is not built or the configuration is wrong
     */
    public static Record read(ObjectNode json, String where) throws FormatException {
        var type = json.path("peft_type");
        if (!type.isString()) {
            throw new FormatException(where + ": peft_type: expected one of " + types() + ", found " + Json.kind(type));
        }
        for (var method : ALL) {
            if (method.peftType().equalsIgnoreCase(type.stringValue())) {
                return method.read(json, where);
            }
        }
        throw new FormatException(where + ": peft_type: " + type.stringValue() + " is not supported; expected one of " + types());
    }

    /**
     * The method that a configuration belongs to.
     *
     * @throws IllegalArgumentException if it belongs to none
     */
    @SuppressWarnings("unchecked")
    static <C extends Record> AdapterMethod<C> of(C config) {
        return ALL.stream()
                .filter(method -> method.configType() == config.getClass())
                .map(method -> (AdapterMethod<C>) method)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        config.getClass().getName() + " is the configuration of no method; methods are " + types()));
    }

    private static List<String> types() {
        return ALL.stream().map(AdapterMethod::peftType).sorted().toList();
    }
}
