package dev.sartor.bench.report;

import static dev.sartor.bench.report.Markdown.figure;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** The report's part on mixtures of experts. */
final class ExpertSections {
    static final String PRODUCTS = "GroupedLinear";
    static final String LAYER = "ExpertLayer";
    static final String ROWS = "ExpertRows";
    private static final double GIGA = 1e9;
    /** Experts, top k, hidden and FFN that the goals are about, and the tokens. */
    private static final String SIZES = "8x2x1024x3584";
    private static final String TOKENS = "2048";
    private static final Set<String> SKEWS = Set.of("UNIFORM", "ZIPF");
    private static final List<String> WAYS = List.of("eager", "grouped_mm");

    private final KernelSections kernels;
    private final StepRuns runs;

    ExpertSections(KernelSections kernels, StepRuns runs) {
        this.kernels = kernels;
        this.runs = runs;
    }

    /** The lowest speed of the experts' products, as a part of that of one weight's; NaN where it was not measured. */
    double productSpeed(String weight, String dtype) {
        return directions(PRODUCTS, "forward", "inputGradient").filter(ExpertSections::isGoal)
                .filter(each -> each.params().get("weight").equals(weight) && each.dtype().equals(dtype))
                .filter(each -> SKEWS.contains(each.params().get("skew"))).mapToDouble(KernelResult::speed).min().orElse(Double.NaN);
    }

    /** What a layer does beside its experts' products and activation, as a part of its time in both directions. */
    double routingShare(String dtype) {
        return kernels.all(LAYER, "forward").stream().filter(ExpertSections::isGoal)
                .filter(each -> each.dtype().equals(dtype) && each.params().get("skew").equals("UNIFORM"))
                .mapToDouble(this::routingShare).findFirst().orElse(Double.NaN);
    }

    private double routingShare(KernelResult forward) {
        return kernels.partner(forward, "backward").map(backward -> {
            double experts = forward.seconds() * forward.speed() + backward.seconds() * backward.speed();
            return 1 - experts / (forward.seconds() + backward.seconds());
        }).orElse(Double.NaN);
    }

    /** Ours over the faster of Transformers' ways. */
    double peerRatio(String dtype) {
        return theirs(dtype) / runs.experts("ours", dtype).median("seconds_median");
    }

    private double theirs(String dtype) {
        var side = runs.experts("theirs", dtype);
        return WAYS.stream().mapToDouble(way -> side.median(way + "_seconds_median")).min().orElse(Double.NaN);
    }

    private static boolean isGoal(KernelResult result) {
        return result.params().get("experts").equals(SIZES) && result.params().get("tokens").equals(TOKENS);
    }

    private Stream<KernelResult> directions(String benchmark, String... methods) {
        return Stream.of(methods).flatMap(method -> kernels.all(benchmark, method).stream());
    }

    void writeKernels(Markdown out) {
        out.heading(2, "Mixtures of experts");
        products(out);
        layers(out);
        rows(out);
    }

    private void products(Markdown out) {
        var rows = directions(PRODUCTS, "forward", "inputGradient")
                .map(each -> row(each, lower(each, "weight"), figure(each.flopsPerSecond() / GIGA), figure(each.speed()),
                        figure(each.ofRoof())))
                .toList();
        if (rows.isEmpty()) {
            out.missing("the benchmark `%s`", PRODUCTS);
            return;
        }
        out.paragraph("The experts' products, gate and up from gathered rows and down, and their input gradients; by turns with the"
                + " same arithmetic on one weight of each, of the same kind. Layers are experts x top k x hidden x FFN.");
        out.table(List.of("", "layer", "tokens", "spread", "type", "weights", "GFLOP/s", "of one weight's speed", "of the roof"), rows);
    }

    private void layers(Markdown out) {
        var rows = new ArrayList<List<String>>();
        for (var forward : kernels.all(LAYER, "forward")) {
            var backward = kernels.partner(forward, "backward");
            double seconds = backward.map(KernelResult::seconds).orElse(Double.NaN);
            double rate = backward.map(each -> each.work().flops() + forward.work().flops()).orElse(Double.NaN)
                    / (forward.seconds() + seconds);
            var cells = new ArrayList<>(row(forward, figure(forward.seconds() * 1e3), figure(seconds * 1e3), figure(rate / GIGA),
                    figure(100 * routingShare(forward))));
            rows.add(cells.subList(1, cells.size()));
        }
        if (rows.isEmpty()) {
            out.missing("the benchmark `%s`", LAYER);
            return;
        }
        out.paragraph("The whole layer with its router, by turns with its experts alone on rows that lie in their order: what"
                + " is between the two is routing, permutation and un-permutation, in both directions.");
        out.table(List.of("layer", "tokens", "spread", "type", "forward, ms", "backward, ms", "GFLOP/s", "beside the experts, %"), rows);
    }

    private void rows(Markdown out) {
        var rows = kernels.all(ROWS, "run").stream()
                .sorted(Comparator.comparing(KernelResult::title))
                .map(each -> row(each, figure(each.seconds() * 1e6), figure(each.bytesPerSecond() / GIGA)))
                .toList();
        if (rows.isEmpty()) {
            out.missing("the benchmark `%s`", ROWS);
            return;
        }
        out.paragraph("Routing and the order of rows, kernel by kernel; the routers' losses are those of four layers. A cache may"
                + " hold what they work on.");
        out.table(List.of("kernel", "layer", "tokens", "spread", "type", "us", "GB/s"), rows);
    }

    /** The direction or the kernel, and what it ran on, before the figures. */
    private static List<String> row(KernelResult each, String... figures) {
        var what = each.params().containsKey("kernel") ? each.title() : each.method().equals("forward") ? "forward" : "input gradient";
        var cells = new ArrayList<>(List.of(what, each.params().get("experts"), each.params().get("tokens"),
                lower(each, "skew"), each.dtype()));
        cells.addAll(List.of(figures));
        return cells;
    }

    private static String lower(KernelResult each, String param) {
        return each.params().get(param).toLowerCase(Locale.ROOT);
    }

    void writePeer(Markdown out) {
        out.heading(2, "A layer of experts beside Transformers");
        var rows = new ArrayList<List<String>>();
        for (var dtype : List.of("float32", "bfloat16")) {
            var ours = runs.experts("ours", dtype);
            var theirs = runs.experts("theirs", dtype);
            Stream.of(ours, theirs).forEach(side -> side.error().ifPresent(error ->
                    out.missing("a run of the layer of experts in %s failed: %s", dtype, error)));
            if (ours.isEmpty()) {
                out.missing("the layer of experts in %s", dtype);
                continue;
            }
            double flops = ours.max("flops");
            var cells = new ArrayList<>(List.of(dtype, figure(flops / ours.median("seconds_median") / GIGA)));
            WAYS.forEach(way -> cells.add(figure(flops / theirs.median(way + "_seconds_median") / GIGA)));
            cells.add(figure(peerRatio(dtype)));
            rows.add(cells);
        }
        if (!rows.isEmpty()) {
            out.paragraph("Mixtral's layer, %s tokens, experts x top k x hidden x FFN %s: forward and the gradient of its input, weights"
                    + " frozen; ours and theirs in turn. GFLOP/s count the experts' products.", TOKENS, SIZES);
            out.table(List.of("type", "ours, GFLOP/s", "eager", "grouped_mm", "ours / the faster"), rows);
        }
    }
}
