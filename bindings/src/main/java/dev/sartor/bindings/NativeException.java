package dev.sartor.bindings;

/** A native call that failed: its status, the instruction that failed, and the library's own words. */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Status status;
    private final long instruction;
    private final String reason;

    /**
     * @param status what the call answered
     * @param instruction index of the instruction that failed, or -1 where the call runs no program
     * @param message the library's message, or an empty string
     */
    NativeException(Status status, long instruction, String message) {
        super(reason(status, message) + (instruction < 0 ? "" : " (instruction " + instruction + ")"));
        this.status = status;
        this.instruction = instruction;
        this.reason = reason(status, message);
    }

    private static String reason(Status status, String message) {
        return message.isEmpty() ? status.meaning() : message;
    }

    /** What the library said, without the instruction. */
    public String reason() {
        return reason;
    }

    public Status status() {
        return status;
    }

    /** Index into the program of the instruction that failed, or -1 where the call runs no program. */
    public long instruction() {
        return instruction;
    }
}
