package dev.sartor.model.gpt2;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.Recompute;
import dev.sartor.nn.Cached;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.Add;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Token and learned position embeddings, blocks, norm and head. */
final class Gpt2Lm implements CausalLm {
    private final Gpt2Config config;
    private final DType dtype;
    private final Embedding tokens;
    private final Embedding positions;
    private final List<Gpt2Block> blocks;
    private final Norm norm;
    private final Linear head;

    Gpt2Lm(Gpt2Config config, ModelBuilder builder) {
        this.config = config;
        this.dtype = builder.dtype();
        tokens = builder.embedding("transformer.wte", config.vocabulary(), config.hidden(), config.tied());
        positions = builder.embedding("transformer.wpe", config.maxPositions(), config.hidden(), false);
        blocks = IntStream.range(0, config.layers()).mapToObj(index -> new Gpt2Block(index, config, builder)).toList();
        norm = builder.layerNorm("transformer.ln_f", config.hidden(), config.normEpsilon());
        head = config.tied()
                ? new Linear("lm_head", tokens.weight(), null, false)
                : builder.linear("lm_head", config.hidden(), config.vocabulary(), false);
    }

    @Override
    public Gpt2Config config() {
        return config;
    }

    @Override
    public List<Module> modules() {
        var modules = new ArrayList<Module>(List.of(tokens, positions));
        blocks.forEach(block -> modules.addAll(block.modules()));
        modules.add(norm);
        if (!config.tied()) {
            modules.add(head);
        }
        return List.copyOf(modules);
    }

    @Override
    public Embedding embedding() {
        return tokens;
    }

    @Override
    public Linear head() {
        return head;
    }

    @Override
    public List<Linear> blockLinears() {
        return blocks.stream()
                .flatMap(block -> block.modules().stream())
                .filter(Linear.class::isInstance)
                .map(Linear.class::cast)
                .toList();
    }

    @Override
    public Hidden hidden(Tape tape, TokenInputs inputs, Cached cached, Recompute recompute) {
        var embedded = tokens.forward(tape, inputs.ids(), dtype);
        var placed = positions.forward(tape, inputs.positions(), dtype);
        var x = tape.in("transformer", () -> tape.apply(Add.SUM, embedded, placed));
        for (var block : blocks) {
            x = switch (recompute) {
                case NONE, CHEAP_OPS -> block.forward(tape, x, inputs, cached);
                case BLOCKS -> tape.recompute(x, in -> block.forward(tape, in, inputs, cached));
            };
        }
        return new Hidden(norm.forward(tape, x), List.of());
    }
}
