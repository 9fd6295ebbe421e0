package dev.sartor.bench.step;

import dev.sartor.bench.ExpertLayer;
import dev.sartor.bench.ExpertSizes;
import dev.sartor.bench.Operands;
import dev.sartor.bench.Roof;
import dev.sartor.bench.Skew;
import dev.sartor.bench.WeightKind;
import dev.sartor.io.Json;
import dev.sartor.tensor.DType;
import java.util.ArrayList;
import java.util.Locale;

/**
 * Times a layer of experts, forward and the gradient of its input, as {@code bench/peers/moe_layer.py} does
 * with Transformers'. The last line is JSON: {@code seconds_median} and {@code seconds_best} of both
 * directions together, and the {@code flops} of the experts' products. The first run is not counted.
 */
public final class ExpertLayerRun {
    private ExpertLayerRun() {}

    /** @param arguments DTYPE TOKENS LAYER RUNS; a layer is experts, top k, hidden, FFN, such as 8x2x1024x3584 */
    public static void main(String[] arguments) {
        if (arguments.length != 4) {
            throw new IllegalArgumentException("expected DTYPE TOKENS LAYER RUNS");
        }
        var dtype = DType.valueOf(arguments[0].toUpperCase(Locale.ROOT));
        var sizes = ExpertSizes.of(Integer.parseInt(arguments[1]), arguments[2]);
        int runs = Integer.parseInt(arguments[3]);
        try (var operands = new Operands()) {
            var layer = new ExpertLayer(operands, sizes, dtype, WeightKind.DENSE, Skew.UNIFORM);
            var forward = operands.program(layer.forward());
            var backward = operands.program(layer.backward());
            var seconds = new ArrayList<Double>();
            for (int run = 0; run <= runs; run++) {
                long start = System.nanoTime();
                operands.submit(forward);
                operands.submit(backward);
                if (run > 0) {
                    seconds.add((System.nanoTime() - start) * 1e-9);
                }
            }
            var line = Json.object();
            line.put("seconds_median", Roof.median(seconds));
            line.put("seconds_best", seconds.stream().mapToDouble(Double::doubleValue).min().orElseThrow());
            line.put("flops", 2 * sizes.flops());
            System.out.println(Json.compact(line));
        }
    }
}
