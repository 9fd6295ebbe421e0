package dev.sartor.text.jinja;

/**
 * The value of a name, attribute or item that is not there: false, empty, printed as nothing, and an error in any other
 * use.
 *
 * @param what how the error calls it, such as {@code 'dict object' has no attribute 'x'}
 */
record Undefined(String what) {

    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    Failure failure() {
        return Failure.of(what);
    }
}
