package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.device.Device;
import dev.sartor.device.QuantType;
import dev.sartor.io.Json;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import dev.sartor.train.BatchShape;
import dev.sartor.train.FitTable;
import dev.sartor.train.TrainingSetup;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What fits into a memory: peaks by method, sequence, batch and recomputation. */
final class PlanTable {
    /** What a base model may be quantized to. */
    private static final List<QuantizationConfig> QUANTIZATIONS =
            List.of(QuantizationConfig.of(QuantType.NF4, false), QuantizationConfig.of(QuantType.NF4, true));
    private static final List<Integer> SEQUENCES = List.of(512, 1024, 2048, 4096);
    private static final List<Integer> BATCHES = List.of(1, 2, 4, 8);

    private final Recipe recipe;
    private final long limit;

    /** @param limit bytes that there are */
    PlanTable(Recipe recipe, long limit) {
        this.recipe = recipe;
        this.limit = limit;
    }

    /** What the recipe leaves open: how a base model is quantized that is not yet, and whether it has an adapter. */
    private List<FitTable.Method> methods() throws IOException {
        var model = Path.of(recipe.required("model_name_or_path"));
        var dtype = recipe.has("dtype") ? RunOptions.dtype(recipe) : DType.BFLOAT16;
        var quantization = QuantizationConfig.agree(
                QuantizationKeys.stored(recipe).orElse(null), QuantizationKeys.read(recipe), model.resolve("config.json").toString());
        if (RecipeReader.adapter(recipe) == null) {
            return List.of(method("full", model, dtype, quantization, null));
        }
        var lora = RecipeReader.lora(recipe);
        if (quantization != null) {
            return List.of(method("QLoRA " + name(quantization) + " r" + lora.r(), model, dtype, quantization, lora));
        }
        var methods = new ArrayList<FitTable.Method>();
        methods.add(method("full", model, dtype, null, null));
        methods.add(method("LoRA r" + lora.r(), model, dtype, null, lora));
        for (var each : QUANTIZATIONS) {
            methods.add(method("QLoRA " + name(each) + " r" + lora.r(), model, dtype, each, lora));
        }
        return methods;
    }

    private static String name(QuantizationConfig quantization) {
        return QuantizationConfig.name(quantization.type()) + (quantization.doubleQuant() ? "+dq" : "");
    }

    private static FitTable.Method method(
            String name, Path model, DType dtype, QuantizationConfig quantization, LoraConfig adapter) {
        return new FitTable.Method(name,
                new TrainingSetup.Options(model, dtype, quantization, adapter, 0, TrainingSetup.Start.PLAN));
    }

    /** No longer than the model's positions. */
    private List<BatchShape> shapes(Device device) throws IOException {
        try (var model = LanguageModel.planned(device, Path.of(recipe.required("model_name_or_path")), DType.BFLOAT16, false, null)) {
            long most = model.config().maxPositions();
            var fitting = SEQUENCES.stream().filter(length -> length <= most).toList();
            var lengths = fitting.isEmpty() ? List.of((int) most) : fitting;
            return lengths.stream().flatMap(length -> BATCHES.stream().map(batch -> new BatchShape(batch, length))).toList();
        }
    }

    private List<FitTable.Cell> cells(Device device) throws IOException {
        return FitTable.of(device, methods(), RecipeReader.arguments(recipe), shapes(device));
    }

    private static long peak(FitTable.Cell cell) {
        return JvmMemory.FIXED_BYTES + cell.plan().bytes();
    }

    /** A line a method, sequence and recomputation; a column a batch. */
    String text(Device device) throws IOException {
        record Line(String method, int length, Recompute recompute) {}

        var lines = new LinkedHashMap<Line, Map<Integer, FitTable.Cell>>();
        for (var cell : cells(device)) {
            lines.computeIfAbsent(new Line(cell.method(), cell.shape().length(), cell.recompute()), line -> new LinkedHashMap<>())
                    .put(cell.shape().rows(), cell);
        }
        var out = new ArrayList<String>();
        out.add("peak resident in GiB, the Java virtual machine included; * fits into %.1f GiB".formatted(gibibytes(limit)));
        out.add("%-20s %8s  %-13s".formatted("method", "sequence", "recomputation")
                + String.join("", BATCHES.stream().map(batch -> "%11s ".formatted("batch " + batch)).toList()));
        lines.forEach((line, cells) -> out.add("%-20s %8d  %-13s".formatted(line.method, line.length, line.recompute.description())
                + String.join("", cells.values().stream()
                        .map(cell -> "%11.2f%s".formatted(gibibytes(peak(cell)), peak(cell) <= limit ? "*" : " ")).toList())));
        QuantizationKeys.assumption(recipe).ifPresent(assumed -> out.add("planned as " + assumed));
        return String.join("\n", out);
    }

    /** One line: the limit and an array of cells. */
    String json(Device device) throws IOException {
        var root = Json.object();
        root.put("memory", limit);
        QuantizationKeys.assumption(recipe).ifPresent(assumed -> root.put("assumes", assumed));
        var array = root.putArray("cells");
        for (var cell : cells(device)) {
            var node = array.addObject();
            node.put("method", cell.method());
            node.put("sequence", cell.shape().length());
            node.put("batch", cell.shape().rows());
            node.put("recomputation", cell.recompute().description());
            node.put("planned_bytes", peak(cell));
            node.put("fits", peak(cell) <= limit);
        }
        return Json.compact(root);
    }

    private static double gibibytes(long bytes) {
        return bytes / 1073741824.0;
    }
}
