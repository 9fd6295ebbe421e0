package dev.sartor.peft;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * What merging did to each weight.
 *
 * @param modules that were merged into, in the order of the file
 * @param dequantized quantized layers without an adapter, which are written in floating point too
 */
public record MergeReport(List<Drift> modules, List<Drift> dequantized) {
    /**
     * @param module the layer's name
     * @param rounding ||stored - exact|| / ||exact||, Frobenius norms: what storing the merged weight lost
     * @param update ||exact - base|| / ||base||: what the adapter changed
     * @param quantization ||base - original|| / ||original||: what quantizing the base had lost; empty where it is
     *     not quantized, or its original is not known
     */
    public record Drift(String module, double rounding, double update, OptionalDouble quantization) {}

    public MergeReport {
        modules = List.copyOf(modules);
        dequantized = List.copyOf(dequantized);
    }

    /** The layer that quantization had cost most; empty if none was quantized, or the original is not known. */
    public Optional<Drift> worstQuantized() {
        return Stream.concat(modules.stream(), dequantized.stream())
                .filter(drift -> drift.quantization().isPresent())
                .max(Comparator.comparingDouble(drift -> drift.quantization().getAsDouble()));
    }

    /** The layer that lost most; empty if nothing was merged into. */
    public Optional<Drift> worst() {
        return modules.stream().max(Comparator.comparingDouble(Drift::rounding));
    }
}
