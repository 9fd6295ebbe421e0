package dev.sartor.text.jinja;

import java.util.Collection;
import java.util.Map;

/** Whether a name occurs anywhere in a piece of template. */
final class Uses {

    private Uses() {
    }

    /** Walks the records of the tree, so that a new kind of node is covered without a word here. */
    static boolean name(Object tree, String name) {
        return switch (tree) {
            case Expr.Name found -> found.name().equals(name);
            case Collection<?> items -> items.stream().anyMatch(item -> name(item, name));
            case Map<?, ?> map -> name(map.values(), name);
            case Map.Entry<?, ?> entry -> name(entry.getKey(), name) || name(entry.getValue(), name);
            case Record record -> components(record, name);
            case null, default -> false;
        };
    }

    private static boolean components(Record record, String name) {
        try {
            for (var component : record.getClass().getRecordComponents()) {
                if (name(component.getAccessor().invoke(record), name)) {
                    return true;
                }
            }
            return false;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
