package dev.sartor.bench.report;

import dev.sartor.bench.Roof;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * The roofs of a whole run: what was measured beside each benchmark, together. A kernel is held
 * against its own ({@link KernelResult#roof}), not against these.
 *
 * @param peak floating-point operations a second, by type of activations; empty where nothing ran
 * @param copy bytes a second, read and written
 * @param read bytes a second, read alone
 */
record Roofline(Map<String, Spread> peak, Spread copy, Spread read) {
    /** All NaN of no values. */
    record Spread(double median, double low, double high) {
        static Spread of(List<Roof> roofs, ToDoubleFunction<Roof> roof) {
            var values = roofs.stream().map(roof::applyAsDouble).toList();
            return new Spread(Roof.median(values), values.stream().min(Double::compare).orElse(Double.NaN),
                    values.stream().max(Double::compare).orElse(Double.NaN));
        }
    }

    static Roofline of(List<KernelResult> results) {
        var measured = results.stream().filter(each -> each.roof() != null).toList();
        var peak = new TreeMap<String, Spread>();
        measured.stream().collect(Collectors.groupingBy(KernelResult::dtype, Collectors.mapping(KernelResult::roof, Collectors.toList())))
                .forEach((dtype, roofs) -> peak.put(dtype, Spread.of(roofs, Roof::flops)));
        var all = measured.stream().map(KernelResult::roof).toList();
        return new Roofline(peak, Spread.of(all, Roof::copy), Spread.of(all, Roof::read));
    }
}
