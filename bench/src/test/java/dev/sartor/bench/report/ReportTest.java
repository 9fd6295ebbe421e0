package dev.sartor.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

/** Measurements in, tables and plots out. */
class ReportTest {
    private static final Machine MACHINE = new Machine("A processor", 2, "portable, 2 threads", 8L << 30, "Linux", "25");

    @TempDir
    Path folder;

    private final List<String> results = new ArrayList<>();
    private final List<String> works = new ArrayList<>();
    private String beside = "";

    @Test
    void kernelsStandBesideTheirRoofsAndThePeer() throws IOException {
        // 100 GFLOP in 0.5 s: 200 GFLOP/s of 400. oneDNN takes 0.4 s.
        beside(400, 100e9);
        kernel("op.GemmBenchmark.product", "{\"shape\":\"2048x2048x2048\",\"dtype\":\"BFLOAT16\"}", 500, 100e9, 1e9, "LoraLinear");
        // 5 GB in 0.2 s: 25 GB/s of 50.
        kernel("op.StreamBenchmark.run", "{\"kernel\":\"RMS_NORM\",\"dtype\":\"BFLOAT16\"}", 200, 0, 5e9, "RmsNorm");
        // 56 and 84 GFLOP in 1 s together: 140 of the product's 200.
        beside(500, 100e9);
        kernel("op.AttentionBenchmark.forward", "{\"length\":\"2048\",\"dtype\":\"BFLOAT16\"}", 400, 56e9, 1e9, "Attention");
        beside(250, 50e9);
        kernel("op.AttentionBenchmark.backward", "{\"length\":\"2048\",\"dtype\":\"BFLOAT16\"}", 600, 84e9, 1e9, "AttentionBackward");
        var text = text();
        assertHas(text, "| peak arithmetic, bfloat16, GFLOP/s | 400 | 400 | 400 |");
        assertHas(text, "| copy bandwidth, GB/s | 50.0 | 50.0 | 50.0 |");
        assertHas(text, "| 2048x2048x2048 | bfloat16 | 200 | 250 | 0.800 | 0.500 |");
        assertHas(text, "| rms_norm | bfloat16 | 200 | - | 25.0 | memory | 0.500 |");
        assertHas(text, "| attention backward, 2048 | bfloat16 | 600 | 140 | 1.67 | arithmetic | 0.350 |");
        assertHas(text, "| 2048 | bfloat16 | 1000 | 0.700 |");
        assertHas(text, "lowest part of oneDNN's speed | at least 0.950 | 0.800 | **missed** |");
        assertHas(text, "product's rate, bfloat16 | at least 0.500 | 0.700 | met |");
        // Kernels without a figure are named, and only those.
        var missing = text.lines().filter(line -> line.contains("**Not measured:** the kernels ")).findFirst().orElseThrow();
        assertTrue(missing.contains(" AdamW,") && !missing.contains(" RmsNorm,"), missing);
    }

    @Test
    void ratiosAreTakenTurnByTurn() throws IOException {
        // The machine is twice as slow in the second turn, for both sides; a third meets ours alone.
        var params = "{\"shape\":\"512x512x512\",\"dtype\":\"FLOAT32\"}";
        results.add("""
                {"benchmark":"dev.sartor.bench.op.GemmBenchmark.product","mode":"avgt","params":%s,"primaryMetric":\
                {"scoreUnit":"ms/op","scorePercentiles":{"50.0":200},"rawData":[[100,200,900]]}}""".formatted(params));
        works.add("""
                {"benchmark":"dev.sartor.bench.op.GemmBenchmark.product","params":%s,"flops":1e9,"bytes":1,"kernels":["LoraLinear"],\
                "roof":{"flops":4e11,"copy":5e10,"read":5e10},"beside":{"flops":1e9,"seconds":[9,0.09,0.18,0.09]}}""".formatted(params));
        assertHas(text(), "| 512x512x512 | float32 | 5.00 | 5.56 | 0.900 |");
    }

    @Test
    void expertsStandBesideOneWeightAndTransformers() throws IOException {
        var params = "{\"dtype\":\"BFLOAT16\",\"experts\":\"8x2x1024x3584\",\"skew\":\"%s\",\"tokens\":\"2048\"%s}";
        // 90 GFLOP in 0.4 s, on one weight in 0.38; with the other spread in 0.34.
        beside(380, 90e9);
        kernel("op.GroupedLinearBenchmark.forward", params.formatted("UNIFORM", ",\"weight\":\"DENSE\""), 400, 90e9, 1e9, "GroupedLinear");
        beside(340, 90e9);
        kernel("op.GroupedLinearBenchmark.inputGradient", params.formatted("ZIPF", ",\"weight\":\"DENSE\""), 400, 90e9, 1e9, "GroupedLinearBackward");
        // Of 0.4 s and 0.6 s the experts alone take 0.38 and 0.57.
        beside(380, 90e9);
        kernel("op.ExpertLayerBenchmark.forward", params.formatted("UNIFORM", ""), 400, 90e9, 1e9, "Route", "GroupedLinear");
        beside(570, 90e9);
        kernel("op.ExpertLayerBenchmark.backward", params.formatted("UNIFORM", ""), 600, 90e9, 1e9, "RouteBackward");
        kernel("op.ExpertRowsBenchmark.run", params.formatted("ZIPF", ",\"kernel\":\"DISPATCH\""), 0.01, 0, 1e5, "Dispatch");
        steps("""
                {"kind":"experts","case":"moe","dtype":"bfloat16","side":"ours","seconds_median":0.25,"seconds_best":0.2,"flops":180e9}
                {"kind":"experts","case":"moe","dtype":"bfloat16","side":"theirs","eager_seconds_median":0.4,"grouped_mm_seconds_median":0.9}
                """);
        var text = text();
        assertHas(text, "| forward | 8x2x1024x3584 | 2048 | uniform | bfloat16 | dense | 225 | 0.950 | 0.563 |");
        assertHas(text, "| 8x2x1024x3584 | 2048 | uniform | bfloat16 | 400 | 600 | 180 | 5.00 |");
        assertHas(text, "| dispatch | 8x2x1024x3584 | 2048 | zipf | bfloat16 | 10.0 | 10.0 |");
        assertHas(text, "| bfloat16 | 720 | 450 | 200 | 1.60 |");
        assertHas(text, "dense product's speed, bfloat16 | at least 0.900 | 0.850 | **missed** |");
        assertHas(text, "part of a layer of 8 experts, bfloat16 | at most 0.080 | 0.050 | met |");
        assertHas(text, "layer of 8 experts in bfloat16, speed of Transformers' | at least 1.50 | 1.60 | met |");
        assertHas(text, "> **Not measured:** the layer of experts in float32");
    }

    @Test
    void quantizedWeightsStandBesideDenseOnesAndBandwidth() throws IOException {
        beside(95, 27e9);
        kernel("op.QuantizedGemmBenchmark.forward", "{\"shape\":\"512x2048x5632\",\"weight\":\"NF4\",\"dtype\":\"BFLOAT16\"}", 100, 27e9, 1e8, "LoraLinear");
        kernel("op.DecodeBenchmark.run", "{\"shape\":\"2048x5632\",\"weight\":\"NF4\",\"dtype\":\"BFLOAT16\"}", 10, 1e9, 2e8, "LoraLinear");
        var text = text();
        assertHas(text, "| x W^T | 512x2048x5632 | nf4 | bfloat16 | 270 | 0.950 | 0.675 |");
        assertHas(text, "| 2048x5632 | nf4 | 20.0 | 0.400 | 0.800 |");
        assertHas(text, "lowest part of the bfloat16 product's speed | at least 0.900 | 0.950 | met |");
        assertHas(text, "lowest part of copy bandwidth | at least 0.600 | 0.400 | **missed** |");
    }

    @Test
    void eachKernelStandsBesideTheRoofsOfItsOwnMinute() throws IOException {
        kernel("op.StreamBenchmark.run", "{\"kernel\":\"ADD\",\"dtype\":\"BFLOAT16\"}", 100, 0, 5e9, 100, "Add");
        kernel("op.StreamBenchmark.run", "{\"kernel\":\"ZERO\",\"dtype\":\"BFLOAT16\"}", 100, 0, 2e9, 40, "Zero");
        kernel("op.StreamBenchmark.run", "{\"kernel\":\"ROPE\",\"dtype\":\"BFLOAT16\"}", 100, 0, 3e9, 60, "Rope");
        var text = text();
        assertHas(text, "| add | bfloat16 | 100 | - | 50.0 | memory | 0.500 |");
        assertHas(text, "| zero | bfloat16 | 100 | - | 20.0 | memory | 0.500 |");
        assertHas(text, "| copy bandwidth, GB/s | 60.0 | 40.0 | 100 |");
        assertHas(text, "| read bandwidth, GB/s | 30.0 | 20.0 | 50.0 |");
    }

    @Test
    void oneFigureAnInstruction() throws IOException {
        call("submitSmallest", 200);
        call("submitMany", 1700);
        assertHas(text(), "| each further instruction of a program | 15.0 |");
    }

    @Test
    void whatWasNotMeasuredIsSaid() throws IOException {
        var text = text();
        assertHas(text, "> **Not measured:** peak arithmetic and copy bandwidth");
        assertHas(text, "> **Not measured:** 134m in bfloat16");
        assertHas(text, "> **Not measured:** 1.1b by QLoRA");
        assertHas(text, "speed of PyTorch + PEFT | at least 1.80 | - | **not measured** |");
        kernel("op.GemmBenchmark.product", "{\"shape\":\"512x896x4864\",\"dtype\":\"BFLOAT16\"}", 500, 100e9, 1e9, "LoraLinear");
        assertHas(text(), "> **Not measured:** oneDNN, where a dash stands");
    }

    @Test
    void stepsStandBesideThePeers() throws IOException {
        steps("""
                {"kind":"versions","python":"3.11","torch":"2.9","transformers":"5.0","peft":"0.19"}
                {"kind":"step","case":"134m","side":"ours","method":"lora","dtype":"bfloat16","tokens_per_second_median":900,"peak_resident_bytes":1073741824,"planned_bytes":1073741824}
                {"kind":"step","case":"134m","side":"ours","method":"lora","dtype":"bfloat16","tokens_per_second_median":1100,"peak_resident_bytes":536870912,"planned_bytes":1073741824}
                {"kind":"step","case":"134m","side":"theirs","method":"lora","dtype":"bfloat16","tokens_per_second_median":500,"peak_resident_bytes":4294967296}
                {"kind":"step","case":"134m","side":"ours","method":"qlora","dtype":"bfloat16","tokens_per_second_median":950,"peak_resident_bytes":536870912,"planned_bytes":1073741824}
                {"kind":"step","case":"494m","side":"ours","method":"lora","dtype":"bfloat16","error":"unknown key 'rank'"}
                {"kind":"decode","method":"bfloat16","decode_tokens_per_second":21.5,"prefill_tokens_per_second":130,"peak_resident_bytes":2147483648}
                {"kind":"decode","method":"nf4","decode_tokens_per_second":60,"prefill_tokens_per_second":120,"peak_resident_bytes":1073741824}
                {"kind":"decode","method":"nf4","decode_tokens_per_second":30,"prefill_tokens_per_second":100,"peak_resident_bytes":1073741824}
                {"kind":"decode","method":"nf4","decode_tokens_per_second":70,"prefill_tokens_per_second":110,"peak_resident_bytes":1073741824}
                """);
        var text = text();
        assertHas(text, "| 134m bfloat16 | 1000 | 500 | 2.00 | 1.00 | 4.00 | 0.250 | 1.00 |");
        assertHas(text, "| 134m | 950 | 1000 | 0.950 | 0.500 | 1.00 |");
        assertHas(text, "> **Not measured:** a run of 494m bfloat16 failed: unknown key 'rank'");
        assertHas(text, "| training 134m in bfloat16, speed of PyTorch + PEFT | at least 1.80 | 2.00 | met |");
        assertHas(text, "| bfloat16 | 21.5 | 130 | 2.00 |");
        assertHas(text, "| nf4 | 60.0 | 110 | 1.00 |");
        assertHas(text, "| decoding 1.1b in NF4, tokens/s | at least 59.0 | 60.0 | met |");
        assertHas(text, "torch 2.9");
    }

    @Test
    void anAbsentPeerIsSaidLoudly() throws IOException {
        steps("""
                {"kind":"versions","error":"python3: No module named torch"}
                {"kind":"step","case":"134m","side":"ours","method":"lora","dtype":"float32","tokens_per_second_median":600,"peak_resident_bytes":1073741824,"planned_bytes":1073741824}
                """);
        var text = text();
        assertHas(text, "> **Not measured:** **the peer is absent** (python3: No module named torch)");
        assertHas(text, "| 134m float32 | 600 | - | - | 1.00 | - | - | 1.00 |");
        assertHas(text, "| PyTorch + PEFT | **absent** |");
    }

    @Test
    void stepTimesAreFitted() throws IOException {
        var lines = new StringBuilder();
        for (int tokens = 128; tokens <= 8192; tokens *= 2) {
            // 5 ms + 1 ms n + 0.0002 ms n^2
            double seconds = 0.005 + 0.001 * tokens + 2e-7 * tokens * tokens;
            lines.append("""
                    {"kind":"step","case":"tokens","side":"ours","method":"lora","dtype":"bfloat16","sequence":%d,"tokens_per_second_median":%s}
                    """.formatted(tokens, tokens / seconds));
        }
        steps(lines.toString());
        assertHas(text(), "Fitted: 5.0 ms + 1.0000 ms n + 0.000200 ms n^2; largest deviation 0.0 %.");
    }

    @Test
    void plotsAreXmlInBothThemes() throws Exception {
        kernel("op.GemmBenchmark.product", "{\"shape\":\"a<b&c\",\"dtype\":\"BFLOAT16\"}", 500, 100e9, 1e9, "LoraLinear");
        kernel("op.StreamBenchmark.run", "{\"kernel\":\"RMS_NORM\",\"dtype\":\"BFLOAT16\"}", 200, 0, 5e9, "RmsNorm");
        steps("""
                {"kind":"step","case":"134m","side":"ours","method":"lora","dtype":"float32","tokens_per_second_median":600,"peak_resident_bytes":1073741824,"planned_bytes":1073741824}
                {"kind":"step","case":"tokens","side":"ours","method":"lora","dtype":"bfloat16","sequence":128,"tokens_per_second_median":600}
                """);
        report().write(folder, MACHINE, "abc", "today");
        List<Path> plots;
        try (Stream<Path> files = Files.list(folder.resolve("plots"))) {
            plots = files.toList();
        }
        assertEquals(5, plots.size());
        for (var plot : plots) {
            var svg = Files.readString(plot);
            DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
            assertTrue(svg.contains("prefers-color-scheme: dark"), plot.toString());
            assertFalse(svg.contains("NaN"), plot.toString());
            assertTrue(Files.readString(folder.resolve("RESULTS.md")).contains("(plots/" + plot.getFileName() + ")"), plot.toString());
        }
    }

    /** Beside 400 GFLOP/s and 50 GB/s of copying. */
    private void kernel(String name, String params, double milliseconds, double flops, double bytes, String... kernels) {
        kernel(name, params, milliseconds, flops, bytes, 50, kernels);
    }

    private void kernel(String name, String params, double milliseconds, double flops, double bytes, double copy, String... kernels) {
        result(name, params, milliseconds, "ms/op");
        var names = Stream.of(kernels).map(kernel -> '"' + kernel + '"').toList();
        works.add("""
                {"benchmark":"dev.sartor.bench.%s","params":%s,"flops":%s,"bytes":%s,"kernels":%s,\
                "roof":{"flops":4e11,"copy":%se9,"read":%se9}%s}""".formatted(name, params, flops, bytes, names, copy, copy / 2, beside));
        beside = "";
    }

    /** The next kernel's other side; a turn of warming up comes first. */
    private void beside(double milliseconds, double flops) {
        beside = """
                ,"beside":{"flops":%s,"seconds":[9,%s]}""".formatted(flops, milliseconds * 1e-3);
    }

    private void call(String method, double nanoseconds) {
        result("ffm.DowncallBenchmark." + method, "{}", nanoseconds, "ns/op");
    }

    /** As JMH writes it; the mean is another number than the median. */
    private void result(String name, String params, double median, String unit) {
        results.add("""
                {"benchmark":"dev.sartor.bench.%s","mode":"avgt","params":%s,"primaryMetric":{"score":1e9,"scoreUnit":"%s","scorePercentiles":{"50.0":%s},"rawData":[[%s]]}}
                """.formatted(name, params, unit, median, median));
    }

    private void steps(String lines) throws IOException {
        Files.writeString(folder.resolve("steps.jsonl"), lines);
    }

    private Report report() throws IOException {
        Files.writeString(folder.resolve("jmh.json"), results.toString());
        Files.write(folder.resolve("work.jsonl"), works);
        return new Report(folder);
    }

    private String text() throws IOException {
        return report().text(MACHINE, "abc", "today");
    }

    private static void assertHas(String text, String part) {
        assertTrue(text.contains(part), () -> "expected\n" + part + "\nin\n" + text);
    }
}
