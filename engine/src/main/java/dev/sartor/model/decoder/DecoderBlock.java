package dev.sartor.model.decoder;

import dev.sartor.model.ModelBuilder;
import dev.sartor.nn.Cached;
import dev.sartor.nn.FeedForward;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.Add;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.ArrayList;
import java.util.List;

/** x + attention(norm(x)), then x + feedForward(norm(x)). */
final class DecoderBlock {
    private final String name;
    private final Norm inputNorm;
    private final SelfAttention attention;
    private final Norm postNorm;
    private final FeedForward feedForward;

    DecoderBlock(int index, DecoderConfig config, Rotary rotary, ModelBuilder builder) {
        this.name = "model.layers." + index;
        inputNorm = builder.rmsNorm(name + ".input_layernorm", config.hidden(), config.normEpsilon());
        attention = config.attention().build(index, name + ".self_attn", config, rotary, builder);
        postNorm = builder.rmsNorm(name + ".post_attention_layernorm", config.hidden(), config.normEpsilon());
        feedForward = config.feedForwards().get(index).build(name + ".mlp", config.hidden(), builder);
    }

    List<Module> modules() {
        var modules = new ArrayList<Module>();
        modules.add(inputNorm);
        modules.addAll(attention.modules());
        modules.add(postNorm);
        modules.addAll(feedForward.modules());
        return modules;
    }

    FeedForward feedForward() {
        return feedForward;
    }

    FeedForward.Output forward(Tape tape, Var x, TokenInputs inputs, Cached cached) {
        var attended = attention.forward(tape, inputNorm.forward(tape, x), inputs, cached);
        var middle = postNorm.ofSum(tape, x, attended);
        var fed = feedForward.forward(tape, middle.normed());
        return fed.with(tape.in(name, () -> tape.apply(Add.SUM, middle.sum(), fed.y())));
    }
}
