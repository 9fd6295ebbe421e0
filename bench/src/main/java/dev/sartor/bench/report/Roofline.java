package dev.sartor.bench.report;

import dev.sartor.bench.Work;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The machine's roofs as measured in the same run (Williams, Waterman and Patterson 2009): work
 * takes at least as long as its operations at the peak, and as its bytes at the speed of copying.
 *
 * @param peak floating-point operations a second, by type of activations
 * @param copy bytes a second, read and written
 * @param read bytes a second, read alone
 */
record Roofline(Map<String, Double> peak, double copy, double read) {
    /** The best of each that a run has; a roof that was not measured is missing, or 0. */
    static Roofline of(List<KernelResult> results) {
        var peak = new TreeMap<String, Double>();
        double copy = 0;
        double read = 0;
        for (var result : results) {
            switch (result.benchmark() + "." + result.method()) {
                case "Arithmetic.peak" -> peak.merge(result.dtype(), result.flopsPerSecond(), Math::max);
                case "Bandwidth.copy" -> copy = Math.max(copy, result.bytesPerSecond());
                case "Bandwidth.read" -> read = Math.max(read, result.bytesPerSecond());
                default -> { }
            }
        }
        return new Roofline(peak, copy, read);
    }

    /** Whether the roofs over such work were measured. */
    boolean covers(Work work, String dtype) {
        return copy > 0 && (work.flops() == 0 || peak.containsKey(dtype));
    }

    /** Whether arithmetic, rather than memory, is what holds the work up. */
    boolean isArithmetic(Work work, String dtype) {
        return work.flops() > 0 && work.flops() / peak.get(dtype) > work.bytes() / copy;
    }

    /** The least time that the work can take, in seconds. */
    double seconds(Work work, String dtype) {
        return Math.max(work.flops() == 0 ? 0 : work.flops() / peak.get(dtype), work.bytes() / copy);
    }
}
