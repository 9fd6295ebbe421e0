package dev.sartor.text.jinja;

/**
 * A chat template that cannot be parsed or rendered. The message begins with the template's name and the line, so it can
 * be shown to a user as it is.
 */
public final class TemplateException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final boolean raised;

    TemplateException(String message, boolean raised) {
        super(message);
        this.raised = raised;
    }

    /** Whether the template itself refused its input, with {@code raise_exception(...)}. */
    public boolean raisedByTemplate() {
        return raised;
    }
}
