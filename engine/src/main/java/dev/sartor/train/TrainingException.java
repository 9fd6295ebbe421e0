package dev.sartor.train;

/** A run that cannot go on; the message says where, why, and what to try. */
public class TrainingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TrainingException(String message) {
        super(message);
    }
}
