package dev.sartor.text.jinja;

/** An error on its way to the node that knows its line; never leaves this package. */
final class Failure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    final int line;
    final boolean raised;

    private Failure(String message, int line, boolean raised) {
        super(message, null, false, false);
        this.line = line;
        this.raised = raised;
    }

    /** A failure whose line is found on the way up. */
    static Failure of(String message) {
        return new Failure(message, 0, false);
    }

    static Failure at(int line, String message) {
        return new Failure(message, line, false);
    }

    static Failure raised(String message) {
        return new Failure(message, 0, true);
    }

    Failure withLine(int line) {
        return this.line > 0 ? this : new Failure(getMessage(), line, raised);
    }
}
