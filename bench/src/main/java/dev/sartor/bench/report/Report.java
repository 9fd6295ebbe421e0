package dev.sartor.bench.report;

import dev.sartor.bench.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes RESULTS.md and its plots from what the benchmarks left: {@code jmh.json} and {@code
 * work.jsonl} of JMH, {@code steps.jsonl} of bench/peers.sh. What is not there is named as missing.
 */
public final class Report {
    private final KernelSections kernels;
    private final StepSections steps;
    private final ExpertSections experts;
    private final StepRuns runs;
    private final Map<String, String> plots = new LinkedHashMap<>();

    /** @param measured the folder of those files */
    Report(Path measured) throws IOException {
        kernels = new KernelSections(KernelResult.read(measured.resolve("jmh.json"), measured.resolve("work.jsonl")));
        runs = new StepRuns(measured.resolve("steps.jsonl"));
        steps = new StepSections(runs);
        experts = new ExpertSections(kernels, runs);
    }

    /** {@code --kernels MEASURED} prints what JMH measured; {@code --commit NAME MEASURED TARGET} writes the report. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 2 && arguments[0].equals("--kernels")) {
            var out = new Markdown();
            var report = new Report(Path.of(arguments[1]));
            report.kernels.write(out, report.plots);
            report.experts.writeKernels(out);
            System.out.println(out);
        } else if (arguments.length == 4 && arguments[0].equals("--commit")) {
            var report = new Report(Path.of(arguments[2]));
            report.write(Path.of(arguments[3]), Machine.here(), arguments[1], LocalDate.now().toString());
        } else {
            System.err.println("expected --kernels MEASURED, or --commit NAME MEASURED TARGET");
            System.exit(2);
        }
    }

    /** Writes RESULTS.md and plots/*.svg into the folder. */
    void write(Path target, Machine machine, String commit, String date) throws IOException {
        Files.writeString(target.resolve("RESULTS.md"), text(machine, commit, date));
        var folder = target.resolve("plots");
        Files.createDirectories(folder);
        for (var plot : plots.entrySet()) {
            Files.writeString(folder.resolve(plot.getKey()), plot.getValue());
        }
        System.err.println("report: wrote " + target.resolve("RESULTS.md") + " and " + plots.size() + " plots");
    }

    String text(Machine machine, String commit, String date) {
        var out = new Markdown();
        out.heading(1, "Results");
        out.paragraph("Written by `bench/report.sh` on " + date + ". Ratios travel from one machine to another; times do not.");
        machine(out, machine, commit);
        new Goals(kernels, steps, experts).write(out);
        kernels.write(out, plots);
        experts.writeKernels(out);
        experts.writePeer(out);
        steps.write(out, plots);
        return out.toString();
    }

    private void machine(Markdown out, Machine machine, String commit) {
        var rows = new ArrayList<List<String>>();
        rows.add(List.of("processor", machine.processor() + ", " + machine.cores() + " cores"));
        rows.add(List.of("engine", machine.device()));
        rows.add(List.of("memory", machine.memory() == 0 ? "unknown" : "%.1f GiB".formatted(machine.memory() / (double) (1L << 30))));
        rows.add(List.of("system", machine.system()));
        rows.add(List.of("Java", machine.java()));
        rows.add(List.of("Sartor", "commit " + commit));
        rows.add(List.of("oneDNN", OneDnnVersion.text()));
        rows.add(List.of("threads of either side", Threads.count() == 0 ? "one a core" : Integer.toString(Threads.count())));
        for (var versions : runs.of("versions")) {
            rows.add(List.of("PyTorch + PEFT", versions.has("error")
                    ? "**absent**"
                    : "torch " + versions.required("torch").stringValue() + ", transformers "
                            + versions.required("transformers").stringValue() + ", peft "
                            + versions.required("peft").stringValue() + ", Python " + versions.required("python").stringValue()));
        }
        out.table(List.of("", ""), rows);
    }
}
