package dev.sartor.backend.cpu;

/**
 * Bytes that one argument of a kernel reads or writes: rows of {@code width} bytes, {@code stride}
 * bytes apart.
 *
 * @param name of the argument
 */
record Region(String name, boolean written, long address, long rows, long width, long stride) {
    private long end() {
        return address + (rows - 1) * stride + width;
    }

    /** Whether the two name the same bytes in the same order. */
    boolean same(Region other) {
        return address == other.address && rows == other.rows && width == other.width && stride == other.stride;
    }

    /**
     * Whether any byte is in both. Column ranges of one matrix are told apart; of regions with
     * different strides, it is their whole extents that count.
     */
    boolean overlaps(Region other) {
        if (address >= other.end() || other.address >= end()) {
            return false;
        }
        if (stride != other.stride || width + other.width > stride) {
            return true;
        }
        long column = Math.floorMod(other.address - address, stride);
        return column < width || column + other.width > stride;
    }
}
