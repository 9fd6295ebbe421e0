package dev.sartor.model.decoder;

import dev.sartor.model.ModelBuilder;
import dev.sartor.nn.Cached;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Projection;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.TokenInputs;
import dev.sartor.nn.Vector;
import dev.sartor.op.Attention;
import dev.sartor.op.CacheWrite;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Attention with grouped heads and rotary positions, as {@link GroupedQuery} says. */
final class GroupedAttention implements SelfAttention {
    private final int layer;
    private final String name;
    private final GroupedQuery config;
    private final Rotary rotary;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Norm queryNorm;
    private final Norm keyNorm;
    private final Vector sinks;
    private final Linear output;

    GroupedAttention(int layer, String name, DecoderConfig decoder, GroupedQuery config, Rotary rotary, ModelBuilder builder) {
        this.layer = layer;
        this.name = name;
        this.config = config;
        this.rotary = rotary;
        long hidden = decoder.hidden();
        long queries = (long) config.heads() * config.headDim();
        query = builder.linear(name + ".q_proj", hidden, queries, config.projectionBias());
        key = builder.linear(name + ".k_proj", hidden, config.cacheWidth(), config.projectionBias());
        value = builder.linear(name + ".v_proj", hidden, config.cacheWidth(), config.projectionBias());
        queryNorm = norm(name + ".q_norm", queries, decoder, builder);
        keyNorm = norm(name + ".k_norm", config.cacheWidth(), decoder, builder);
        sinks = config.sinks() ? builder.vector(name + ".sinks", config.heads()) : null;
        output = builder.linear(name + ".o_proj", queries, hidden, config.outputBias());
    }

    private Norm norm(String of, long width, DecoderConfig decoder, ModelBuilder builder) {
        return switch (config.qkNorm()) {
            case NONE -> null;
            case HEAD -> builder.rmsNorm(of, config.headDim(), decoder.normEpsilon());
            case PROJECTION -> builder.rmsNorm(of, width, decoder.normEpsilon());
        };
    }

    @Override
    public List<Module> modules() {
        return Stream.<Module>of(query, key, value, queryNorm, keyNorm, sinks, output).filter(Objects::nonNull).toList();
    }

    @Override
    public Var forward(Tape tape, Var x, TokenInputs inputs, Cached cached) {
        long positions = cached == null ? inputs.length() : cached.cache().capacity();
        var projected = Projection.together(tape, x, List.of(query, key, value));
        var q = rotated(tape, projected.get(0), queryNorm, inputs, positions);
        var k = rotated(tape, projected.get(1), keyNorm, inputs, positions);
        var v = projected.get(2);
        var attention = new Attention(inputs.keyBegin(), inputs.keyEnd(), config.heads(), config.kvHeads(),
                config.headDim(), config.windows().get(layer), (float) (1 / Math.sqrt(config.headDim())), 0);
        var attended = tape.in(name, () -> {
            if (cached == null) {
                return apply(tape, attention, q, k, v);
            }
            var cache = cached.cache().layer(layer);
            tape.applyAll(new CacheWrite(cache.keys(), cached.slots(), 0), k);
            tape.applyAll(new CacheWrite(cache.values(), cached.slots(), 0), v);
            return apply(tape, attention, q, all(tape, cache.keys()), all(tape, cache.values()));
        });
        return output.forward(tape, attended);
    }

    private Var apply(Tape tape, Attention attention, Var q, Var k, Var v) {
        return sinks == null ? tape.apply(attention, q, k, v) : tape.apply(attention, q, k, v, tape.parameter(sinks.parameter()));
    }

    private Var rotated(Tape tape, Var heads, Norm norm, TokenInputs inputs, long positions) {
        var normed = norm == null ? heads : norm.forward(tape, heads);
        return tape.in(name, () -> rotary.forward(tape, normed, inputs.positions(), positions));
    }

    private static Var all(Tape tape, Tensor cache) {
        return tape.constant(cache.reshape(cache.shape().rows(), cache.shape().last()));
    }
}
