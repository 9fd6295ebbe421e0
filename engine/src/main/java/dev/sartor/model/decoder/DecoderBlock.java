package dev.sartor.model.decoder;

import dev.sartor.model.ModelBuilder;
import dev.sartor.nn.Cached;
import dev.sartor.nn.FeedForward;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Projection;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.Add;
import dev.sartor.op.Attention;
import dev.sartor.op.CacheWrite;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** x + attention(norm(x)), then x + feedForward(norm(x)). */
final class DecoderBlock {
    private final int index;
    private final DecoderConfig config;
    private final String name;
    private final Rotary rotary;
    private final Norm inputNorm;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Norm queryNorm;
    private final Norm keyNorm;
    private final Linear output;
    private final Norm postNorm;
    private final FeedForward feedForward;

    DecoderBlock(int index, DecoderConfig config, Rotary rotary, ModelBuilder builder) {
        this.index = index;
        this.config = config;
        this.rotary = rotary;
        this.name = "model.layers." + index;
        long hidden = config.hidden();
        long queries = (long) config.heads() * config.headDim();
        var attention = name + ".self_attn";
        inputNorm = builder.rmsNorm(name + ".input_layernorm", hidden, config.normEpsilon());
        query = builder.linear(attention + ".q_proj", hidden, queries, config.projectionBias());
        key = builder.linear(attention + ".k_proj", hidden, config.cacheWidth(), config.projectionBias());
        value = builder.linear(attention + ".v_proj", hidden, config.cacheWidth(), config.projectionBias());
        queryNorm = norm(attention + ".q_norm", queries, builder);
        keyNorm = norm(attention + ".k_norm", config.cacheWidth(), builder);
        output = builder.linear(attention + ".o_proj", queries, hidden, config.outputBias());
        postNorm = builder.rmsNorm(name + ".post_attention_layernorm", hidden, config.normEpsilon());
        feedForward = config.feedForwards().get(index).build(name + ".mlp", hidden, builder);
    }

    private Norm norm(String name, long width, ModelBuilder builder) {
        return switch (config.qkNorm()) {
            case NONE -> null;
            case HEAD -> builder.rmsNorm(name, config.headDim(), config.normEpsilon());
            case PROJECTION -> builder.rmsNorm(name, width, config.normEpsilon());
        };
    }

    List<Module> modules() {
        var attention = Stream.<Module>of(
                        inputNorm, query, key, value, queryNorm, keyNorm, output, postNorm)
                .filter(Objects::nonNull);
        return Stream.concat(attention, feedForward.modules().stream()).toList();
    }

    FeedForward feedForward() {
        return feedForward;
    }

    FeedForward.Output forward(Tape tape, Var x, TokenInputs inputs, Cached cached) {
        var attended = attend(tape, inputNorm.forward(tape, x), inputs, cached);
        var middle = postNorm.ofSum(tape, x, attended);
        var fed = feedForward.forward(tape, middle.normed());
        return fed.with(tape.in(name, () -> tape.apply(Add.SUM, middle.sum(), fed.y())));
    }

    private Var attend(Tape tape, Var x, TokenInputs inputs, Cached cached) {
        long positions = cached == null ? inputs.length() : cached.cache().capacity();
        var projected = Projection.together(tape, x, List.of(query, key, value));
        var q = rotated(tape, projected.get(0), queryNorm, inputs, positions);
        var k = rotated(tape, projected.get(1), keyNorm, inputs, positions);
        var v = projected.get(2);
        var attention = new Attention(inputs.keyBegin(), inputs.keyEnd(), config.heads(), config.kvHeads(),
                config.headDim(), config.windows().get(index), (float) (1 / Math.sqrt(config.headDim())), 0);
        var attended = tape.in(name + ".self_attn", () -> {
            if (cached == null) {
                return tape.apply(attention, q, k, v);
            }
            var layer = cached.cache().layer(index);
            tape.applyAll(new CacheWrite(layer.keys(), cached.slots(), 0), k);
            tape.applyAll(new CacheWrite(layer.values(), cached.slots(), 0), v);
            return tape.apply(attention, q, all(tape, layer.keys()), all(tape, layer.values()));
        });
        return output.forward(tape, attended);
    }

    private Var rotated(Tape tape, Var heads, Norm norm, TokenInputs inputs, long positions) {
        var normed = norm == null ? heads : norm.forward(tape, heads);
        return tape.in(name + ".self_attn", () -> rotary.forward(tape, normed, inputs.positions(), positions));
    }

    private static Var all(Tape tape, Tensor cache) {
        return tape.constant(cache.reshape(cache.shape().rows(), cache.shape().last()));
    }
}
