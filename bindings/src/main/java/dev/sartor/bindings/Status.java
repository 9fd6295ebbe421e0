package dev.sartor.bindings;

import dev.sartor.bindings.cpu.sartor_h;

/** What a native call answered (enum sartor_status in sartor.h). */
public enum Status {
    OK(sartor_h.SARTOR_OK(), "done"),
    BAD_OP(sartor_h.SARTOR_BAD_OP(), "the library does not know the op, or its arguments have another size there"),
    BAD_ARGUMENT(sartor_h.SARTOR_BAD_ARGUMENT(), "sizes, types or pointers that the op cannot take"),
    BAD_INDEX(sartor_h.SARTOR_BAD_INDEX(), "a token id or position is out of range"),
    SCRATCH_TOO_SMALL(sartor_h.SARTOR_SCRATCH_TOO_SMALL(), "the scratch memory is too small"),
    NO_MEMORY(sartor_h.SARTOR_NO_MEMORY(), "the system has no memory left"),
    BAD_ISA(sartor_h.SARTOR_BAD_ISA(), "the processor or this build lacks the instruction set"),
    UNKNOWN(Integer.MIN_VALUE, "the library answered with a status that these bindings do not know");

    private final int code;
    private final String meaning;

    Status(int code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    /** What it means, in a clause without a full stop. */
    public String meaning() {
        return meaning;
    }

    static Status of(int code) {
        for (Status status : values()) {
            if (status.code == code) {
                return status;
            }
        }
        return UNKNOWN;
    }
}
