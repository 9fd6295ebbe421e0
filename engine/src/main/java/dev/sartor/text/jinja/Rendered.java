package dev.sartor.text.jinja;

import java.util.List;

/**
 * What a template printed.
 *
 * @param text       all of it
 * @param generation the parts that stood in {@code {% generation %}}, in order
 */
public record Rendered(String text, List<Span> generation) {

    /**
     * A half-open range of {@code text}.
     *
     * @param start UTF-16 index of its first character
     * @param end   UTF-16 index after its last
     */
    public record Span(int start, int end) {
    }
}
