package dev.sartor.model.gpt2;

import dev.sartor.model.ModelBuilder;
import dev.sartor.nn.Cached;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.Activation;
import dev.sartor.op.Add;
import dev.sartor.op.Attention;
import dev.sartor.op.CacheWrite;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** x + attention(norm(x)), then x + feedForward(norm(x)), with one fused projection of q, k and v. */
final class Gpt2Block {
    private final int index;
    private final Gpt2Config config;
    private final String name;
    private final Norm attentionNorm;
    private final Linear projection;
    private final Linear output;
    private final Norm mlpNorm;
    private final Linear up;
    private final Linear down;

    Gpt2Block(int index, Gpt2Config config, ModelBuilder builder) {
        this.index = index;
        this.config = config;
        this.name = "transformer.h." + index;
        long hidden = config.hidden();
        attentionNorm = builder.layerNorm(name + ".ln_1", hidden, config.normEpsilon());
        projection = builder.linear(name + ".attn.c_attn", hidden, 3 * hidden, true, true);
        output = builder.linear(name + ".attn.c_proj", hidden, hidden, true, true);
        mlpNorm = builder.layerNorm(name + ".ln_2", hidden, config.normEpsilon());
        up = builder.linear(name + ".mlp.c_fc", hidden, config.intermediate(), true, true);
        down = builder.linear(name + ".mlp.c_proj", config.intermediate(), hidden, true, true);
    }

    List<Module> modules() {
        return List.of(attentionNorm, projection, output, mlpNorm, up, down);
    }

    Var forward(Tape tape, Var x, TokenInputs inputs, Cached cached) {
        var attended = attend(tape, projection.forward(tape, attentionNorm.forward(tape, x)), inputs, cached);
        var middle = mlpNorm.ofSum(tape, x, attended);
        var upped = up.forward(tape, middle.normed());
        var activated = tape.in(name + ".mlp", () -> tape.apply(new Activation(config.activation()), upped));
        var fed = down.forward(tape, activated);
        return tape.in(name, () -> tape.apply(Add.SUM, middle.sum(), fed));
    }

    private Var attend(Tape tape, Var qkv, TokenInputs inputs, Cached cached) {
        var attention = new Attention(inputs.keyBegin(), inputs.keyEnd(), config.heads(), config.heads(),
                config.headDim(), 0, config.scale(index), 0);
        var attended = tape.in(name + ".attn", () -> {
            if (cached == null) {
                return tape.apply(attention, qkv);
            }
            var layer = cached.cache().layer(index);
            tape.applyAll(new CacheWrite(layer.keys(), cached.slots(), config.hidden()), qkv);
            tape.applyAll(new CacheWrite(layer.values(), cached.slots(), 2 * config.hidden()), qkv);
            return tape.apply(attention, qkv, all(tape, layer.keys()), all(tape, layer.values()));
        });
        return output.forward(tape, attended);
    }

    private static Var all(Tape tape, Tensor cache) {
        return tape.constant(cache.reshape(cache.shape().rows(), cache.shape().last()));
    }
}
