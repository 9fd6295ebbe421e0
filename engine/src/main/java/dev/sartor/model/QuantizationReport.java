package dev.sartor.model;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What quantizing did to a model.
 *
 * @param bytesBefore of all tensors
 * @param bytesAfter of all tensors written
 * @param modules in the order of the file
 */
public record QuantizationReport(long bytesBefore, long bytesAfter, List<Loss> modules) {
    /**
     * @param module the layer's name
     * @param error ||dequantized - weight|| / ||weight||, Frobenius norms
     */
    public record Loss(String module, double error) {}

    public QuantizationReport {
        modules = List.copyOf(modules);
    }

    /** The layer that lost most; empty if none was quantized. */
    public Optional<Loss> worst() {
        return modules.stream().max(Comparator.comparingDouble(Loss::error));
    }

    /** Mean error of the layers; 0 if there is none. */
    public double mean() {
        return modules.stream().mapToDouble(Loss::error).average().orElse(0);
    }
}
