package dev.sartor.device;

/** How the elements of a weight matrix lie in memory. */
public enum Layout {
    ROW_MAJOR,
    /** The device's own panels; {@link Device#packedBytes} tells their size. */
    PACKED
}
