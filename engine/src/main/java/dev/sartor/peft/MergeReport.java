package dev.sartor.peft;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What merging did to each weight.
 *
 * @param modules in the order of the file
 */
public record MergeReport(List<Drift> modules) {
    /**
     * @param module the layer's name
     * @param rounding ||stored - exact|| / ||exact||, Frobenius norms: what storing the merged weight lost
     * @param update ||exact - base|| / ||base||: what the adapter changed
     */
    public record Drift(String module, double rounding, double update) {}

    public MergeReport {
        modules = List.copyOf(modules);
    }

    /** The layer that lost most; empty if nothing was merged into. */
    public Optional<Drift> worst() {
        return modules.stream().max(Comparator.comparingDouble(Drift::rounding));
    }
}
