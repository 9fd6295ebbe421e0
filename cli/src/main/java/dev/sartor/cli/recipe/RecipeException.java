package dev.sartor.cli.recipe;

/** A recipe that cannot be used; the message says where, what was expected, and what to do. */
public class RecipeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public RecipeException(String message) {
        super(message);
    }
}
