package dev.sartor.io;

import java.io.IOException;

/**
 * A file or directory that does not hold what its format promises. The message always names the file, what was found,
 * what was expected, and, where one exists, the remedy; it is written to be shown to a user as it is.
 */
public final class FormatException extends IOException {

    private static final long serialVersionUID = 1L;

    /** @param message where, what was found, what was expected, what to do */
    public FormatException(String message) {
        super(message);
    }

    /**
     * @param message where, what was found, what was expected, what to do
     * @param cause   the error underneath
     */
    public FormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
