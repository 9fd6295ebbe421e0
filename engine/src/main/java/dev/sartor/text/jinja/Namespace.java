package dev.sartor.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code namespace(...)}: the one thing whose attributes a template may set, and so carry out of a loop. */
final class Namespace {

    final Map<String, Object> attributes = new LinkedHashMap<>();
}
