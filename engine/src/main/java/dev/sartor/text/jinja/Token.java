package dev.sartor.text.jinja;

/**
 * A piece of a template.
 *
 * @param text  for DATA the text to print, for STRING the decoded value, else the source
 * @param line  counted from one
 */
record Token(Kind kind, String text, int line) {

    enum Kind { DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END }

    boolean is(Kind kind, String text) {
        return this.kind == kind && this.text.equals(text);
    }

    /** As it is called in an error. */
    String shown() {
        return switch (kind) {
            case END -> "the end of the template";
            case DATA -> "text";
            case STRING -> "a string";
            default -> "'" + text + "'";
        };
    }
}
