package dev.sartor.model.decoder;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.Recompute;
import dev.sartor.nn.Cached;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.FeedForward;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.Routed;
import dev.sartor.nn.SparseMoe;
import dev.sartor.nn.TokenInputs;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Embedding, decoder blocks, norm and head: the wiring of Llama and its kin, dense or with mixtures of experts. */
public final class Decoder implements CausalLm {
    private final DecoderConfig config;
    private final DType dtype;
    private final Embedding embedding;
    private final List<DecoderBlock> blocks;
    private final Rotary rotary;
    private final Norm norm;
    private final Linear head;

    public Decoder(DecoderConfig config, ModelBuilder builder) {
        this.config = config;
        this.dtype = builder.dtype();
        embedding = builder.embedding("model.embed_tokens", config.vocabulary(), config.hidden(), config.tied());
        rotary = builder.rotary(config.attention().rope(), config.attention().rotatedHeadDim(), config.attention().interleaved());
        blocks = IntStream.range(0, config.layers())
                .mapToObj(index -> new DecoderBlock(index, config, rotary, builder))
                .toList();
        norm = builder.rmsNorm("model.norm", config.hidden(), config.normEpsilon());
        head = config.tied()
                ? new Linear("lm_head", embedding.weight(), null, false)
                : builder.linear("lm_head", config.hidden(), config.vocabulary(), false);
    }

    @Override
    public DecoderConfig config() {
        return config;
    }

    @Override
    public List<Module> modules() {
        var modules = new ArrayList<Module>();
        modules.add(embedding);
        blocks.forEach(block -> modules.addAll(block.modules()));
        modules.add(norm);
        if (!config.tied()) {
            modules.add(head);
        }
        return List.copyOf(modules);
    }

    @Override
    public Embedding embedding() {
        return embedding;
    }

    @Override
    public Linear head() {
        return head;
    }

    @Override
    public List<Linear> blockLinears() {
        // As in Transformers, where routers and experts are no linear layers but parameters of their own kinds.
        var ofExperts = mixtures().stream().flatMap(moe -> moe.routedModules().stream()).collect(Collectors.toSet());
        return blocks.stream()
                .flatMap(block -> block.modules().stream())
                .filter(module -> !ofExperts.contains(module))
                .filter(Linear.class::isInstance)
                .map(Linear.class::cast)
                .toList();
    }

    @Override
    public List<SparseMoe> mixtures() {
        return blocks.stream()
                .map(DecoderBlock::feedForward)
                .filter(SparseMoe.class::isInstance)
                .map(SparseMoe.class::cast)
                .toList();
    }

    @Override
    public void prepare(long positions) {
        rotary.extend(positions);
    }

    @Override
    public Hidden hidden(Tape tape, TokenInputs inputs, Cached cached, Recompute recompute) {
        var x = embedding.forward(tape, inputs.ids(), dtype);
        var routed = new ArrayList<Routed>();
        for (var block : blocks) {
            var made = switch (recompute) {
                case NONE, CHEAP_OPS -> block.forward(tape, x, inputs, cached);
                case BLOCKS -> tape.recompute(x, in -> block.forward(tape, in, inputs, cached), FeedForward.Output::differentiable);
            };
            made.routed().ifPresent(routed::add);
            x = made.y();
        }
        return new Hidden(norm.forward(tape, x), routed);
    }
}
