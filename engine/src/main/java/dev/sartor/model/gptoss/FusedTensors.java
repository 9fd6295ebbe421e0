package dev.sartor.model.gptoss;

import dev.sartor.io.TensorSource;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Experts' tensors put together as GPT-OSS's files have them; the inverse of {@link FusedExperts}. */
final class FusedTensors {
    private FusedTensors() {}

    static List<TensorSource> fuse(List<TensorSource> tensors) {
        Map<String, TensorSource> fused = new LinkedHashMap<>();
        Map<String, List<TensorSource>> parts = new LinkedHashMap<>();
        for (var tensor : tensors) {
            var weight = FusedExperts.WEIGHT.matcher(tensor.name());
            var bias = FusedExperts.GATE_OR_UP_BIAS.matcher(tensor.name());
            var name = weight.matches() ? weight.group(1) + (weight.group(3).equals("down") ? ".down_proj" : ".gate_up_proj")
                    : bias.matches() ? bias.group(1) + ".gate_up_proj_bias"
                    : tensor.name();
            if (name.equals(tensor.name())) {
                fused.put(name, tensor);
            } else {
                parts.computeIfAbsent(name, each -> new ArrayList<>()).add(tensor);
                fused.put(name, name.endsWith("bias") ? biases(name, parts.get(name)) : weights(name, parts.get(name)));
            }
        }
        return List.copyOf(fused.values());
    }

    /** @param parts gate and up */
    private static TensorSource biases(String name, List<TensorSource> parts) {
        var shape = parts.getFirst().spec().shape();
        return new TensorSource(name, TensorSpec.of(parts.getFirst().spec().dtype(), shape.dim(0), 2 * shape.last()),
                sink -> sink.write(alternating(floats(parts.get(0)), floats(parts.get(1)))));
    }

    /** @param parts down of each expert, or gate and up of each expert, expert by expert */
    private static TensorSource weights(String name, List<TensorSource> parts) {
        var spec = parts.getFirst().spec();
        int stride = name.endsWith(".down_proj") ? 1 : 2;
        long out = spec.shape().dim(0);
        long in = spec.shape().dim(1);
        return new TensorSource(name, TensorSpec.of(spec.dtype(), parts.size() / stride, in, stride * out), sink -> {
            for (int at = 0; at < parts.size(); at += stride) {
                float[] first = turned(floats(parts.get(at)), (int) out, (int) in);
                sink.write(stride == 1 ? first : alternating(first, turned(floats(parts.get(at + 1)), (int) out, (int) in)));
            }
        });
    }

    private static float[] turned(float[] values, int rows, int columns) {
        var turned = new float[values.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                turned[column * rows + row] = values[row * columns + column];
            }
        }
        return turned;
    }

    private static float[] alternating(float[] first, float[] second) {
        var both = new float[2 * first.length];
        for (int i = 0; i < first.length; i++) {
            both[2 * i] = first[i];
            both[2 * i + 1] = second[i];
        }
        return both;
    }

    private static float[] floats(TensorSource source) throws IOException {
        var values = new float[Math.toIntExact(source.spec().shape().elements())];
        source.content().writeTo(new TensorSource.Sink() {
            private int filled;

            @Override
            public void write(float[] some) {
                System.arraycopy(some, 0, values, filled, some.length);
                filled += some.length;
            }

            @Override
            public void write(MemorySegment bytes) {
                throw new IllegalStateException(source.name() + " comes in bytes, not in floats");
            }

            @Override
            public void write(int[] some) {
                throw new IllegalStateException(source.name() + " comes in ints, not in floats");
            }
        });
        return values;
    }
}
