package dev.sartor.bindings;

import java.util.Objects;

/**
 * The native library is missing, unreadable, made for another platform, or of another version than
 * these bindings. The message names the library's path, the platform, what is wrong and what to do.
 */
public final class NativeLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param library where the library is, or where it was looked for
     * @param platform the running process's platform, for example {@code linux-x86_64}
     * @param reason what is wrong with it
     * @param remedy what the reader can do
     * @param cause what the system said, or null
     */
    NativeLibraryException(String library, String platform, String reason, String remedy, Throwable cause) {
        super("Sartor's native library cannot be used: " + reason
                + "\n  library:  " + library
                + "\n  platform: " + platform
                + "\n  remedy:   " + Objects.requireNonNull(remedy), cause);
    }
}
