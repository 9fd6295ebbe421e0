package dev.sartor.bindings;

/** A native call that failed: its status, the instruction that failed, and the library's own words. */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status status;
    private final long instruction;

    /**
     * @param status what the call answered
     * @param instruction index of the instruction that failed, or -1 where the call runs no program
     * @param message the library's message, or an empty string
     */
    NativeException(Status status, long instruction, String message) {
        super((message.isEmpty() ? status.meaning() : message)
                + (instruction < 0 ? "" : " (instruction " + instruction + ")"));
        this.status = status;
        this.instruction = instruction;
    }

    public Status status() {
        return status;
    }

    /** Index into the program of the instruction that failed, or -1 where the call runs no program. */
    public long instruction() {
        return instruction;
    }
}
