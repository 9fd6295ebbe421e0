package dev.sartor.text.jinja;

import java.util.AbstractList;
import java.util.List;

/** A Python tuple: a list that prints with parentheses. */
final class Tuple extends AbstractList<Object> {

    private final List<?> items;

    Tuple(List<?> items) {
        this.items = items;
    }

    static Tuple of(Object first, Object second) {
        return new Tuple(java.util.Arrays.asList(first, second));
    }

    @Override
    public Object get(int index) {
        return items.get(index);
    }

    @Override
    public int size() {
        return items.size();
    }
}
