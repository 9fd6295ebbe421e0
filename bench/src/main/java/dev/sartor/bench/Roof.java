package dev.sartor.bench;

import java.util.List;

/**
 * What the machine did at best while a benchmark ran (Williams, Waterman and Patterson 2009): work
 * takes at least as long as its operations at the peak, and as its bytes at the speed of copying.
 *
 * @param flops floating-point operations a second, of the benchmark's type
 * @param copy bytes a second, read and written
 * @param read bytes a second, read alone
 */
public record Roof(double flops, double copy, double read) {
    /** The middle one, the higher of two; NaN of none. */
    public static double median(List<Double> values) {
        return values.isEmpty() ? Double.NaN : values.stream().sorted().toList().get(values.size() / 2);
    }

    /** The least time that the work can take, in seconds. */
    public double seconds(Work work) {
        return Math.max(work.flops() / flops, work.bytes() / copy);
    }

    /** Whether arithmetic, rather than memory, is what holds the work up. */
    public boolean isArithmetic(Work work) {
        return work.flops() / flops > work.bytes() / copy;
    }
}
