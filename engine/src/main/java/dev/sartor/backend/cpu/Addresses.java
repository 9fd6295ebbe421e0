package dev.sartor.backend.cpu;

import dev.sartor.tensor.Storage;
import java.lang.foreign.MemorySegment;

/** Where the bytes of a storage lie; while a step is planned they lie nowhere yet. */
interface Addresses {
    /**
     * Every storage at one address that is not null: enough to ask what scratch an instruction needs,
     * which looks at sizes and at which pointers are null, never behind a pointer.
     */
    Addresses UNPLACED = (storage, offset, bytes, written) -> MemorySegment.ofAddress(64);

    /**
     * @param offset bytes from the storage's start
     * @param written whether the kernel changes these bytes
     * @return a segment of no size at the address
     * @throws IllegalArgumentException if the bytes cannot be used, saying why
     */
    MemorySegment of(Storage storage, long offset, long bytes, boolean written);
}
