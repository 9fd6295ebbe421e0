package dev.sartor.model.gptoss;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.kernel.Convert;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.model.WeightSource;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * GPT-OSS's experts one by one: its files hold those of a layer in {@code gate_up_proj} [experts, in, 2 * out], where gate
 * and up take turns, {@code down_proj} [experts, in, out], and biases [experts, 2 * out] and [experts, out].
 */
final class FusedExperts implements WeightSource {
    static final Pattern WEIGHT = Pattern.compile("(.*\\.experts)\\.(\\d+)\\.(gate|up|down)_proj\\.weight");
    static final Pattern GATE_OR_UP_BIAS = Pattern.compile("(.*\\.experts)\\.(gate|up)_proj_bias");

    /** What is asked for, as it lies in a fused tensor: rows of experts' matrices, or of biases. */
    private record Part(String fused, TensorSpec all, int expert, int offset, int stride) {}

    private final WeightSource files;
    private final int experts;
    private final Map<String, Part> parts = new HashMap<>();
    private final Map<String, TensorSpec> specs = new HashMap<>();
    private Arena arena = Arena.ofShared();
    /** The last one that was asked for, whose rows may be asked for next. */
    private String madeName;
    private Tensor made;

    FusedExperts(WeightSource files, int experts) {
        this.files = files;
        this.experts = experts;
    }

    @Override
    public TensorSpec spec(String name, long... shape) {
        var weight = WEIGHT.matcher(name);
        var bias = GATE_OR_UP_BIAS.matcher(name);
        if (files.contains(name) || !weight.matches() && !bias.matches()) {
            return files.spec(name, shape);
        }
        if (weight.matches()) {
            var which = weight.group(3);
            int stride = which.equals("down") ? 1 : 2;
            var fused = weight.group(1) + (stride == 1 ? ".down_proj" : ".gate_up_proj");
            var all = files.spec(fused, experts, shape[1], stride * shape[0]);
            parts.put(name, new Part(fused, all, Integer.parseInt(weight.group(2)), which.equals("up") ? 1 : 0, stride));
        } else {
            var fused = bias.group(1) + ".gate_up_proj_bias";
            var all = files.spec(fused, experts, 2 * shape[1]);
            parts.put(name, new Part(fused, all, -1, bias.group(2).equals("up") ? 1 : 0, 2));
        }
        specs.put(name, TensorSpec.of(DType.FLOAT32, shape));
        return specs.get(name);
    }

    @Override
    public Optional<String> notFinite() {
        return files.notFinite();
    }

    @Override
    public boolean contains(String name) {
        return files.contains(name);
    }

    @Override
    public Tensor tensor(Device device, String name) {
        var part = parts.get(name);
        if (part == null) {
            return files.tensor(device, name);
        }
        if (!name.equals(madeName)) {
            made = make(device, part, specs.get(name));
            madeName = name;
        }
        return made;
    }

    @Override
    public Tensor rows(Device device, String name, long first, long count) {
        return parts.containsKey(name) ? tensor(device, name).slice(first, count) : files.rows(device, name, first, count);
    }

    private Tensor make(Device device, Part part, TensorSpec spec) {
        arena.close();
        arena = Arena.ofShared();
        var data = arena.allocate(spec.bytes(), 64);
        float[] fused = floats(device, part);
        int width = (int) part.all.shape().last();
        int out = width / part.stride;
        int rows = fused.length / width;
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < out; column++) {
                // Weights are turned, biases are not.
                long at = part.expert < 0 ? (long) row * out + column : (long) column * rows + row;
                data.setAtIndex(ValueLayout.JAVA_FLOAT, at, fused[row * width + part.offset + column * part.stride]);
            }
        }
        return WeightSource.wrap(device, spec, data);
    }

    /** One expert's matrix, or all biases. */
    private float[] floats(Device device, Part part) {
        var stored = part.expert < 0 ? files.tensor(device, part.fused) : files.rows(device, part.fused, part.expert, 1);
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var values = temporary.allocate(new TensorSpec(DType.FLOAT32, stored.shape()));
            Eager.run(device, part.fused, new Convert(stored, values));
            return Eager.floats(device, values);
        }
    }

    @Override
    public Optional<BitsAndBytes.Stored> quantized(String name, long rows, long columns, QuantizationConfig config) {
        return files.quantized(name, rows, columns, config);
    }

    @Override
    public Optional<Tensor> inPlace(Device device, String name) {
        return files.inPlace(device, name);
    }

    @Override
    public long digest() {
        return files.digest();
    }

    @Override
    public boolean isPlan() {
        return files.isPlan();
    }

    @Override
    public void close() {
        arena.close();
        files.close();
    }
}
