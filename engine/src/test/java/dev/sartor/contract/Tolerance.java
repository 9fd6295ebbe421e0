package dev.sartor.contract;

import dev.sartor.tensor.DType;

/**
 * How far a device may be from the oracle, which computes in double and rounds once.
 *
 * @param relative to the element itself
 * @param ofLargest relative to the largest magnitude in the tensor: sums lose absolute precision
 *     where their terms cancel
 * @param absolute below this, differences do not count
 * @param codes how far an 8-bit code may be from the oracle's, where values beside a border were rounded
 */
record Tolerance(double relative, double ofLargest, double absolute, int codes) {
    Tolerance(double relative, double ofLargest, double absolute) {
        this(relative, ofLargest, absolute, 0);
    }

    Tolerance(double relative, double ofLargest) {
        this(relative, ofLargest, 0);
    }

    /** The result is one value, to the bit. */
    static final Tolerance EXACT = new Tolerance(0, 0);

    /**
     * A few operations in float32 on values of size 1, and one rounding to the type: in bfloat16 a
     * result beside a tie may be rounded to either neighbour, 2^-7 apart at most.
     */
    static Tolerance elementwise(DType dtype) {
        return new Tolerance(dtype == DType.FLOAT32 ? 4e-6 : 0x1p-7, 4e-6, 1e-6);
    }

    /**
     * Sums of products of size 1, which may cancel. In bfloat16, float32 factors may be rounded to bfloat16
     * before they are multiplied.
     */
    static Tolerance product(DType dtype) {
        return dtype == DType.FLOAT32 ? new Tolerance(1e-5, 1e-5, 1e-6) : new Tolerance(0x1p-7, 1e-2, 4e-3);
    }

    /** A few elementwise results, each made of the one before. */
    static Tolerance chain(DType dtype) {
        return elementwise(dtype).times(4);
    }

    /** So many times as much. */
    Tolerance times(int factor) {
        return new Tolerance(factor * relative, factor * ofLargest, factor * absolute, codes);
    }

    /** With so many codes' difference. */
    Tolerance withCodes(int difference) {
        return new Tolerance(relative, ofLargest, absolute, difference);
    }

    /** With an absolute part that does not grow with the tensor's largest value. */
    Tolerance ofElement(double absolute) {
        return new Tolerance(relative, 0, absolute);
    }

    boolean accepts(double expected, double actual, double largest) {
        if (Double.isNaN(expected) || Double.isInfinite(expected)) {
            return Double.compare(expected, actual) == 0;
        }
        return Math.abs(actual - expected) <= relative * Math.abs(expected) + ofLargest * largest + absolute;
    }
}
