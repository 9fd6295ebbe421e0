package dev.sartor.bench.report;

import static dev.sartor.bench.report.Markdown.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;

/** The parts of the report that come from whole training steps and decoding. */
final class StepSections {
    private static final double GIB = 1L << 30;
    private static final String RATE = "tokens_per_second_median";
    private static final String DECODING = "decode_tokens_per_second";
    private static final String PEAK = "peak_resident_bytes";
    private static final String PLANNED = "planned_bytes";
    private static final int FIT_POINTS = 4;

    private record Comparison(String name, String dtype) {}

    private static final List<Comparison> COMPARISONS = List.of(
            new Comparison("134m", "float32"), new Comparison("134m", "bfloat16"), new Comparison("494m", "bfloat16"));

    private final StepRuns runs;

    StepSections(StepRuns runs) {
        this.runs = runs;
    }

    /** Ours over the peer's tokens per second; NaN where one is missing. */
    double speedRatio(String name, String dtype) {
        return runs.side(name, "ours", "lora", dtype).median(RATE) / runs.side(name, "theirs", "lora", dtype).median(RATE);
    }

    /** Ours over the peer's peak resident size; NaN where one is missing. */
    double memoryRatio(String name, String dtype) {
        return runs.side(name, "ours", "lora", dtype).max(PEAK) / runs.side(name, "theirs", "lora", dtype).max(PEAK);
    }

    /** QLoRA's over LoRA's tokens per second. */
    double quantizedRatio(String name) {
        return runs.side(name, "ours", "qlora", "bfloat16").median(RATE) / runs.side(name, "ours", "lora", "bfloat16").median(RATE);
    }

    /** GiB of the QLoRA run of that shape. */
    double quantizedPeak(String name) {
        return runs.side(name, "ours", "qlora", "bfloat16").max(PEAK) / GIB;
    }

    /** Tokens per second of one row with weights stored so; NaN where it was not measured. */
    double decodingRate(String weights) {
        return runs.decoding(weights).median(DECODING);
    }

    void write(Markdown out, Map<String, String> plots) {
        peers(out, plots);
        quantized(out);
        tokens(out, plots);
        decoding(out);
    }

    private void peers(Markdown out, Map<String, String> plots) {
        out.heading(2, "Whole steps beside PyTorch + PEFT");
        out.paragraph("LoRA r16 on all linear layers, AdamW, clipping; random tokens; each run a process of its own, ours and"
                + " theirs in turn, on the same cores. 134m: Llama shape, batch 4 x 256; 494m: Qwen2 shape, batch 1 x 512."
                + " Medians of tokens per second; peak resident sizes, the JVM's or Python's own part included.");
        runs.of("versions").stream().filter(each -> each.has("error")).findFirst().ifPresent(each ->
                out.missing("**the peer is absent** (%s): name a Python with torch, transformers and peft in"
                        + " SARTOR_PEERS_PYTHON", each.required("error").stringValue()));
        var rows = new ArrayList<List<String>>();
        var bars = new ArrayList<BarChart.Row>();
        for (var each : COMPARISONS) {
            var ours = runs.side(each.name, "ours", "lora", each.dtype);
            var theirs = runs.side(each.name, "theirs", "lora", each.dtype);
            failures(out, each.name + " " + each.dtype, ours, theirs);
            if (ours.isEmpty()) {
                out.missing("%s in %s", each.name, each.dtype);
                continue;
            }
            double ratio = speedRatio(each.name, each.dtype);
            rows.add(List.of(each.name + " " + each.dtype, figure(ours.median(RATE)), figure(theirs.median(RATE)), figure(ratio),
                    figure(ours.max(PEAK) / GIB), figure(theirs.max(PEAK) / GIB), figure(memoryRatio(each.name, each.dtype)),
                    figure(ours.max(PEAK) / ours.max(PLANNED))));
            bars.add(new BarChart.Row(each.name + " " + each.dtype, List.of(ours.median(RATE), theirs.median(RATE)),
                    Double.isNaN(ratio) ? "" : figure(ratio)));
        }
        if (!rows.isEmpty()) {
            out.table(List.of("shape", "ours, tokens/s", "peer", "ratio", "ours, GiB", "peer", "ratio", "peak / plan"), rows);
            out.image("Whole steps: ours and PyTorch + PEFT", "plots/steps.svg");
            plots.put("steps.svg", BarChart.draw("Training, tokens per second (ratio of ours to the peer)",
                    List.of("ours", "PyTorch + PEFT"), bars, Double.NaN));
        }
    }

    private static void failures(Markdown out, String what, StepRuns.Side... sides) {
        for (var side : sides) {
            side.error().ifPresent(error -> out.missing("a run of %s failed: %s", what, error));
        }
    }

    private void quantized(Markdown out) {
        out.heading(2, "QLoRA beside LoRA");
        out.paragraph("The same steps with the base in NF4, in turn with bfloat16; ours both. 1.1b: Llama shape, hidden 2048,"
                + " 22 layers, batch 1 x 512.");
        var rows = new ArrayList<List<String>>();
        for (var name : List.of("134m", "494m", "1.1b")) {
            var qlora = runs.side(name, "ours", "qlora", "bfloat16");
            var lora = runs.side(name, "ours", "lora", "bfloat16");
            failures(out, name + " by QLoRA", qlora);
            if (qlora.isEmpty()) {
                out.missing("%s by QLoRA", name);
                continue;
            }
            rows.add(List.of(name, figure(qlora.median(RATE)), figure(lora.median(RATE)), figure(quantizedRatio(name)),
                    figure(quantizedPeak(name)), figure(lora.max(PEAK) / GIB)));
        }
        if (!rows.isEmpty()) {
            out.table(List.of("shape", "QLoRA, tokens/s", "LoRA, tokens/s", "ratio", "QLoRA, GiB", "LoRA, GiB"), rows);
        }
    }

    private void tokens(Markdown out, Map<String, String> plots) {
        out.heading(2, "A step's time against its tokens");
        var counts = new ArrayList<Double>();
        var times = new ArrayList<Double>();
        for (var run : runs.of("step")) {
            if (StepRuns.is(run, "case", "tokens")) {
                double sequence = run.required("sequence").doubleValue();
                if (run.has("error")) {
                    out.missing("%.0f tokens: %s", sequence, run.required("error").stringValue());
                    continue;
                }
                counts.add(sequence);
                times.add(sequence / run.required(RATE).doubleValue());
            }
        }
        if (counts.isEmpty()) {
            out.missing("steps of different lengths");
            return;
        }
        out.paragraph("134m in bfloat16, LoRA r16, one row.");
        boolean fits = counts.size() >= FIT_POINTS;
        var fit = fits ? Fit.of(counts, times) : null;
        var rows = new ArrayList<List<String>>();
        for (int i = 0; i < counts.size(); i++) {
            double n = counts.get(i);
            rows.add(List.of("%.0f".formatted(n), figure(times.get(i) * 1e3), figure(n / times.get(i)),
                    fits ? figure(fit.at(n) * 1e3) : "-", fits ? figure(fit.quadratic() * n * n / fit.at(n)) : "-"));
        }
        out.table(List.of("tokens", "ms", "tokens/s", "fitted ms", "part of the quadratic term"), rows);
        if (fits) {
            out.paragraph("Fitted: %.1f ms + %.4f ms n + %.3g ms n^2; largest deviation %.1f %%.", fit.constant() * 1e3,
                    fit.linear() * 1e3, fit.quadratic() * 1e3, 100 * deviation(fit, counts, times));
        } else {
            out.missing("a fit, which takes %d lengths", FIT_POINTS);
        }
        out.image("A step's time against its tokens", "plots/tokens.svg");
        var series = new ArrayList<PointChart.Series>();
        series.add(points("measured", "s0", false, counts, times));
        if (fits) {
            double last = counts.getLast();
            var at = DoubleStream.iterate(last / 64, n -> n <= last, n -> n + last / 64).boxed().toList();
            series.add(points("fit", "s0", true, at, at.stream().map(fit::at).toList()));
            series.add(points("its linear part", "s1", true, at,
                    at.stream().map(n -> fit.constant() + fit.linear() * n).toList()));
        }
        plots.put("tokens.svg", PointChart.draw("Time of a training step, 134M shape", "tokens", "seconds", false, series));
    }

    private static PointChart.Series points(String name, String style, boolean joined, List<Double> xs, List<Double> ys) {
        var points = new ArrayList<PointChart.Point>();
        for (int i = 0; i < xs.size(); i++) {
            points.add(new PointChart.Point(xs.get(i), ys.get(i), "%.0f tokens".formatted(xs.get(i))));
        }
        return new PointChart.Series(name, style, joined, points);
    }

    private static double deviation(Fit fit, List<Double> counts, List<Double> times) {
        double largest = 0;
        for (int i = 0; i < counts.size(); i++) {
            largest = Math.max(largest, Math.abs(fit.at(counts.get(i)) / times.get(i) - 1));
        }
        return largest;
    }

    private void decoding(Markdown out) {
        out.heading(2, "Decoding");
        var rows = new ArrayList<List<String>>();
        for (var weights : List.of("bfloat16", "nf4")) {
            var side = runs.decoding(weights);
            failures(out, "decoding in " + weights, side);
            if (!side.isEmpty()) {
                rows.add(List.of(weights, figure(side.median(DECODING)), figure(side.median("prefill_tokens_per_second")),
                        figure(side.max(PEAK) / GIB)));
            }
        }
        if (rows.isEmpty()) {
            out.missing("decoding");
        } else {
            out.paragraph("The 1.1B shape, one row, greedy; a prompt of 32 tokens, then 128. Medians of runs in turn.");
            out.table(List.of("weights", "decoding, tokens/s", "prompt, tokens/s", "peak resident, GiB"), rows);
        }
    }
}
