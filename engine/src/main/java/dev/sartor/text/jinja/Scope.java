package dev.sartor.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** Names visible at one place; what is set here does not show outside. */
final class Scope {

    private final Scope parent;
    private final Map<String, Object> names;

    Scope(Scope parent) {
        this(parent, new HashMap<>());
    }

    Scope(Scope parent, Map<String, Object> names) {
        this.parent = parent;
        this.names = names;
    }

    Object get(String name) {
        for (Scope at = this; at != null; at = at.parent) {
            if (at.names.containsKey(name)) {
                return at.names.get(name);
            }
        }
        return Undefined.name(name);
    }

    void set(String name, Object value) {
        names.put(name, value);
    }
}
