package dev.sartor.cli;

import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** Exceptions as a person reads them. */
final class Failures {
    private Failures() {}

    static String describe(Throwable failure) {
        return switch (failure) {
            case NoSuchFileException e -> e.getFile() + ": no such file or directory";
            case AccessDeniedException e -> e.getFile() + ": permission denied";
            case FileAlreadyExistsException e -> e.getFile() + ": is there already, and no directory";
            case UncheckedIOException e -> describe(e.getCause());
            case OutOfMemoryError e -> "out of memory: " + e.getMessage();
            case RuntimeException e when e.getMessage() == null ->
                    "an error inside Sartor: " + e + " (SARTOR_DEBUG=1 prints where)";
            default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
        };
    }
}
