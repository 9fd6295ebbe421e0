package dev.sartor.bench.report;

import static dev.sartor.bench.report.Markdown.figure;

import dev.sartor.bench.ffm.DowncallBenchmark;
import dev.sartor.device.kernel.Kernel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The parts of the report that come from JMH. */
final class KernelSections {
    private static final double GIGA = 1e9;
    private static final Set<String> OWN_TABLES = Set.of(
            "Gemm", "QuantizedGemm", "Decode", ExpertSections.PRODUCTS, ExpertSections.ROWS, ExpertSections.LAYER);

    private final List<KernelResult> results;
    private final Roofline roofs;

    KernelSections(List<KernelResult> results) {
        this.results = results;
        roofs = Roofline.of(results);
    }

    void write(Markdown out, Map<String, String> plots) {
        roofs(out);
        gemm(out, plots);
        quantized(out);
        kernels(out, plots);
        attention(out);
        calls(out);
    }

    private void roofs(Markdown out) {
        out.heading(2, "Roofs");
        if (roofs.peak().isEmpty()) {
            out.missing("peak arithmetic and copy bandwidth, which each benchmark of a kernel measures beside itself");
            return;
        }
        out.paragraph("Measured before each iteration of each kernel, on the same threads: multiply-adds that never leave the"
                + " registers; memory that no cache holds, copied (counted read and written) and read. A kernel is held against"
                + " the medians from beside itself; here stand the medians of the whole run, and how far they went.");
        var rows = new ArrayList<List<String>>();
        roofs.peak().forEach((dtype, flops) -> rows.add(row("peak arithmetic, " + dtype + ", GFLOP/s", flops)));
        rows.add(row("copy bandwidth, GB/s", roofs.copy()));
        rows.add(row("read bandwidth, GB/s", roofs.read()));
        out.table(List.of("roof", "median", "lowest", "highest"), rows);
    }

    private static List<String> row(String name, Roofline.Spread spread) {
        return List.of(name, figure(spread.median() / GIGA), figure(spread.low() / GIGA), figure(spread.high() / GIGA));
    }

    private void gemm(Markdown out, Map<String, String> plots) {
        out.heading(2, "Matrix products beside oneDNN");
        var rows = new ArrayList<List<String>>();
        var bars = new ArrayList<BarChart.Row>();
        boolean absent = false;
        for (var ours : products()) {
            double flops = ours.flopsPerSecond();
            double theirs = flops / ours.speed();
            absent |= Double.isNaN(theirs);
            rows.add(List.of(ours.params().get("shape"), ours.dtype(), figure(flops / GIGA), figure(theirs / GIGA),
                    figure(ours.speed()), figure(ours.ofRoof())));
            bars.add(new BarChart.Row(ours.params().get("shape") + " " + ours.dtype(),
                    List.of(flops / GIGA, theirs / GIGA), Double.isNaN(theirs) ? "" : figure(ours.speed())));
        }
        if (rows.isEmpty()) {
            out.missing("the benchmark `Gemm`");
            return;
        }
        if (absent) {
            out.missing("oneDNN, where a dash stands: its library is not there on this platform, or failed");
        }
        out.table(List.of("rows x in x out", "type", "ours, GFLOP/s", "oneDNN, GFLOP/s", "ours / oneDNN", "of the roof"), rows);
        out.image("Matrix products: ours and oneDNN", "plots/gemm.svg");
        plots.put("gemm.svg", BarChart.draw("Matrix products, GFLOP/s (ratio of ours to oneDNN)", List.of("ours", "oneDNN"), bars,
                Double.NaN));
    }

    /** Products with quantized weights beside those with dense ones, and products of one row. */
    private void quantized(Markdown out) {
        out.heading(2, "Quantized weights");
        var rows = new ArrayList<List<String>>();
        for (var method : List.of("forward", "inputGradient")) {
            for (var each : all("QuantizedGemm", method)) {
                rows.add(List.of(method.equals("forward") ? "x W^T" : "dy W", each.params().get("shape"), weight(each),
                        each.dtype(), figure(each.flopsPerSecond() / GIGA), figure(each.speed()), figure(each.ofRoof())));
            }
        }
        if (rows.isEmpty()) {
            out.missing("the benchmark `QuantizedGemm`");
        } else {
            out.paragraph("Dequantized in cache, on the way into the product; by turns with the same product of a dense weight.");
            out.table(List.of("", "rows x in x out", "weight", "type", "GFLOP/s", "of the dense one's speed", "of the roof"), rows);
        }
        var decodes = new ArrayList<List<String>>();
        for (var each : all("Decode", "run")) {
            decodes.add(List.of(each.params().get("shape"), weight(each), figure(each.bytesPerSecond() / GIGA),
                    figure(each.bytesPerSecond() / each.roof().copy()), figure(each.bytesPerSecond() / each.roof().read())));
        }
        if (decodes.isEmpty()) {
            out.missing("the benchmark `Decode`");
        } else {
            out.paragraph("Decoding, one row times matrices that no cache holds; bytes are those of the packed weights with their"
                    + " scales.");
            out.table(List.of("in x out", "weight", "GB/s", "of copy bandwidth", "of read bandwidth"), decodes);
        }
    }

    private static String weight(KernelResult result) {
        return result.params().get("weight").toLowerCase(Locale.ROOT);
    }

    private void kernels(Markdown out, Map<String, String> plots) {
        out.heading(2, "Kernels");
        out.paragraph("The roof of a kernel is the least time that its floating-point operations take at the peak, or that its"
                + " bytes take at the speed of copying, both measured beside it, whichever is more. Kernels that only read, or whose operands a cache"
                + " holds, can come out above 1.");
        var rows = new ArrayList<List<String>>();
        var bars = new ArrayList<BarChart.Row>();
        var points = new ArrayList<PointChart.Point>();
        for (var each : measured()) {
            boolean arithmetic = each.roof().isArithmetic(each.work());
            double ratio = each.ofRoof();
            rows.add(List.of(each.title(), each.dtype(), figure(each.seconds() * 1e3),
                    each.work().flops() == 0 ? "-" : figure(each.flopsPerSecond() / GIGA), figure(each.bytesPerSecond() / GIGA),
                    arithmetic ? "arithmetic" : "memory", figure(ratio)));
            bars.add(new BarChart.Row(each.title() + " " + shortName(each.dtype()), List.of(ratio), figure(ratio)));
        }
        for (var each : results) {
            if (each.work() != null && each.work().flops() > 0 && !each.kernels().isEmpty()) {
                points.add(new PointChart.Point(each.work().flops() / each.work().bytes(), each.flopsPerSecond() / GIGA,
                        each.title() + " " + each.dtype()));
            }
        }
        if (rows.isEmpty()) {
            out.missing("any kernel");
            return;
        }
        out.table(List.of("kernel", "type", "ms", "GFLOP/s", "GB/s", "bound by", "of its roof"), rows);
        unmeasured(out);
        out.image("Each kernel as a part of its roof", "plots/kernels.svg");
        plots.put("kernels.svg", BarChart.draw("Speed of each kernel as a part of its roof (the dashed line)", List.of("ours"), bars, 1));
        out.image("Roofline", "plots/roofline.svg");
        plots.put("roofline.svg", roofline(points));
    }

    /** Ours, of those that have no table of their own beside dense weights or the peer. */
    private List<KernelResult> measured() {
        return results.stream()
                .filter(each -> each.work() != null && !each.kernels().isEmpty() && !OWN_TABLES.contains(each.benchmark()))
                .sorted(Comparator.comparing((KernelResult each) -> !each.roof().isArithmetic(each.work()))
                        .thenComparing(KernelResult::benchmark).thenComparing(KernelResult::title).thenComparing(KernelResult::dtype))
                .toList();
    }

    /** Names the kernels that there is no figure of. */
    private void unmeasured(Markdown out) {
        var names = new TreeSet<>(Arrays.stream(Kernel.class.getPermittedSubclasses()).map(Class::getSimpleName).toList());
        results.forEach(each -> names.removeAll(each.kernels()));
        if (!names.isEmpty()) {
            out.missing("the kernels %s", String.join(", ", names));
        }
    }

    /** A line and points of a colour for each type, over the medians of the run. */
    private String roofline(List<PointChart.Point> points) {
        var series = new ArrayList<PointChart.Series>();
        double lowest = points.stream().mapToDouble(PointChart.Point::x).min().orElse(1);
        double highest = points.stream().mapToDouble(PointChart.Point::x).max().orElse(100) * 2;
        double copy = roofs.copy().median();
        roofs.peak().forEach((dtype, spread) -> {
            var style = "s" + series.size() / 2;
            double peak = spread.median();
            double ridge = peak / copy;
            double low = Math.min(ridge / 10, lowest);
            series.add(new PointChart.Series("roof, " + dtype, style, true, List.of(
                    new PointChart.Point(low, low * copy / GIGA, ""),
                    new PointChart.Point(ridge, peak / GIGA, ""),
                    new PointChart.Point(Math.max(highest, ridge * 2), peak / GIGA, ""))));
            series.add(new PointChart.Series("kernels, " + dtype, style, false,
                    points.stream().filter(point -> point.name().endsWith(" " + dtype)).toList()));
        });
        return PointChart.draw("Roofline: kernels under the run's median roofs", "floating-point operations a byte", "GFLOP/s", true, series);
    }

    private void attention(Markdown out) {
        var rows = new ArrayList<List<String>>();
        for (var forward : all("Attention", "forward")) {
            var rate = attentionShare(forward);
            if (rate.isPresent()) {
                double seconds = forward.seconds() + partner(forward, "backward").orElseThrow().seconds();
                rows.add(List.of(forward.params().get("length"), forward.dtype(), figure(seconds * 1e3), figure(rate.get())));
            }
        }
        if (!rows.isEmpty()) {
            out.heading(2, "Attention beside matrix products");
            out.paragraph("Forward and backward together, in floating-point operations a second, as a part of the rate of our own"
                    + " product of 2048 x 2048 x 2048 in the same type. Seven products of queries and keys are counted, the one"
                    + " that backward makes again included, and of each only the pairs that the causal mask lets through. Forward"
                    + " and backward are each measured by turns with the product.");
            out.table(List.of("tokens a row", "type", "ms", "of the product's rate"), rows);
        }
    }

    /** Forward and backward together as a part of the product's rate; empty where one of them is missing. */
    Optional<Double> attentionShare(KernelResult forward) {
        return partner(forward, "backward").map(backward -> {
            double flops = forward.work().flops() + backward.work().flops();
            return flops / (forward.work().flops() / forward.speed() + backward.work().flops() / backward.speed());
        });
    }

    private void calls(Markdown out) {
        out.heading(2, "Calls from Java into native code");
        var smallest = find("Downcall", "submitSmallest");
        var many = find("Downcall", "submitMany");
        var rows = new ArrayList<List<String>>();
        find("Downcall", "call").ifPresent(each -> rows.add(List.of("a bare call (FFM)", figure(each.seconds() * 1e9))));
        find("Downcall", "submitNothing").ifPresent(each ->
                rows.add(List.of("the submit of an empty program", figure(each.seconds() * 1e9))));
        smallest.ifPresent(each -> rows.add(List.of("the submit of one kernel that writes four bytes", figure(each.seconds() * 1e9))));
        if (smallest.isPresent() && many.isPresent()) {
            double one = (many.get().seconds() - smallest.get().seconds()) / (DowncallBenchmark.INSTRUCTIONS - 1);
            rows.add(List.of("each further instruction of a program", figure(one * 1e9)));
        }
        if (rows.isEmpty()) {
            out.missing("the benchmark `Downcall`");
        } else {
            out.table(List.of("what", "ns"), rows);
        }
    }

    List<KernelResult> all(String benchmark, String method) {
        return results.stream().filter(each -> each.benchmark().equals(benchmark) && each.method().equals(method)).toList();
    }

    Optional<KernelResult> find(String benchmark, String method) {
        return all(benchmark, method).stream().findFirst();
    }

    /** The other method's result with the same parameters. */
    Optional<KernelResult> partner(KernelResult result, String method) {
        return all(result.benchmark(), method).stream().filter(each -> each.params().equals(result.params())).findFirst();
    }

    /** Matrix products of dense weights. */
    List<KernelResult> products() {
        return all("Gemm", "product");
    }

    private static String shortName(String dtype) {
        return dtype.equals("bfloat16") ? "bf16" : "f32";
    }
}
