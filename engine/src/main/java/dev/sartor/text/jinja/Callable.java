package dev.sartor.text.jinja;

/** Something a template can call: a function, a method bound to its value, a macro. */
@FunctionalInterface
interface Callable {
    Object call(Arguments arguments);
}
