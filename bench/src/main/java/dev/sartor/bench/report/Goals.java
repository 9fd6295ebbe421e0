package dev.sartor.bench.report;

import static dev.sartor.bench.report.Markdown.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** What the engine sets out to reach, beside what this run measured. */
final class Goals {
    private final KernelSections kernels;
    private final StepSections steps;
    private final ExpertSections experts;
    private final List<List<String>> rows = new ArrayList<>();

    Goals(KernelSections kernels, StepSections steps, ExpertSections experts) {
        this.kernels = kernels;
        this.steps = steps;
        this.experts = experts;
    }

    void write(Markdown out) {
        atLeast("training 134m in bfloat16, speed of PyTorch + PEFT", 1.8, steps.speedRatio("134m", "bfloat16"));
        atLeast("training 134m in float32, speed of PyTorch + PEFT", 2.4, steps.speedRatio("134m", "float32"));
        atLeast("training 494m in bfloat16, speed of PyTorch + PEFT", 2.2, steps.speedRatio("494m", "bfloat16"));
        atMost("peak resident size of 134m in bfloat16, of the peer's", 0.5, steps.memoryRatio("134m", "bfloat16"));
        atMost("peak resident size of 134m in float32, of the peer's", 0.5, steps.memoryRatio("134m", "float32"));
        atMost("peak resident size of 494m in bfloat16, of the peer's", 0.5, steps.memoryRatio("494m", "bfloat16"));
        atLeast("QLoRA step on 134m, speed of the bfloat16 LoRA step", 0.9, steps.quantizedRatio("134m"));
        atLeast("QLoRA step on 494m, speed of the bfloat16 LoRA step", 0.9, steps.quantizedRatio("494m"));
        atMost("QLoRA on 1.1b, 1 x 512, GiB resident", 2.0, steps.quantizedPeak("1.1b"));
        atLeast("matrix product in bfloat16, lowest part of oneDNN's speed", 0.95, product("bfloat16"));
        atLeast("matrix product in float32, lowest part of oneDNN's speed", 1.0, product("float32"));
        atLeast("NF4 product at 512 rows, lowest part of the bfloat16 product's speed", 0.9, nf4Product());
        atLeast("NF4 decoding kernel, lowest part of copy bandwidth", 0.6, nf4Decode());
        atLeast("attention at 2048 tokens, forward and backward, of the product's rate, bfloat16", 0.5, attention("bfloat16"));
        atLeast("attention at 2048 tokens, forward and backward, of the product's rate, float32", 0.5, attention("float32"));
        // What llama.cpp's q4_0 did on a machine of two Zen 5 cores; it is no part of this run.
        atLeast("decoding 1.1b in NF4, tokens/s", 59, steps.decodingRate("nf4"));
        for (var dtype : List.of("bfloat16", "float32")) {
            atMost("routing and permutation there and back, part of a layer of 8 experts, " + dtype, 0.08, experts.routingShare(dtype));
            atLeast("experts' products, lowest part of the dense product's speed, " + dtype, 0.9, experts.productSpeed("DENSE", dtype));
        }
        for (var weight : List.of("NF4", "INT8")) {
            atLeast("experts' products in " + weight + ", lowest part of the dense layer's speed", 0.9, experts.productSpeed(weight, "bfloat16"));
        }
        atLeast("layer of 8 experts in bfloat16, speed of Transformers'", 1.5, experts.peerRatio("bfloat16"));
        atLeast("layer of 8 experts in float32, speed of Transformers'", 3, experts.peerRatio("float32"));
        out.heading(2, "Goals");
        out.table(List.of("goal", "wanted", "measured", ""), rows);
    }

    private void atLeast(String goal, double wanted, double measured) {
        row(goal, "at least " + figure(wanted), measured, measured >= wanted);
    }

    private void atMost(String goal, double wanted, double measured) {
        row(goal, "at most " + figure(wanted), measured, measured <= wanted);
    }

    private void row(String goal, String wanted, double measured, boolean met) {
        rows.add(List.of(goal, wanted, figure(measured), Double.isNaN(measured) ? "**not measured**" : met ? "met" : "**missed**"));
    }

    private double product(String dtype) {
        return orNone(kernels.products().stream().filter(each -> each.dtype().equals(dtype))
                .mapToDouble(KernelResult::speed).filter(speed -> !Double.isNaN(speed)).min());
    }

    private double nf4Product() {
        return orNone(Stream.of("forward", "inputGradient").flatMap(method -> kernels.all("QuantizedGemm", method).stream())
                .filter(each -> each.params().get("weight").equals("NF4") && each.dtype().equals("bfloat16"))
                .mapToDouble(KernelResult::speed).filter(speed -> !Double.isNaN(speed)).min());
    }

    private double nf4Decode() {
        return orNone(kernels.all("Decode", "run").stream()
                .filter(each -> each.params().get("weight").equals("NF4"))
                .mapToDouble(each -> each.bytesPerSecond() / each.roof().copy()).min());
    }

    private double attention(String dtype) {
        return kernels.all("Attention", "forward").stream()
                .filter(each -> each.dtype().equals(dtype) && each.params().get("length").equals("2048"))
                .flatMap(each -> kernels.attentionShare(each).stream()).findFirst().orElse(Double.NaN);
    }

    private static double orNone(OptionalDouble value) {
        return value.orElse(Double.NaN);
    }
}
