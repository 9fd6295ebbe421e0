package dev.sartor.model.decoder;

import dev.sartor.model.ConfigReader;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.RopeConfig;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.RopeScaling;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Attention of query heads in groups that share keys and values (Ainslie et al. 2023).
 *
 * @param projectionBias whether q, k and v have biases
 * @param outputBias whether o has one
 * @param qkNorm how queries and keys are normalized
 * @param sinks whether each head has a score beside those of the keys (GPT-OSS)
 */
public record GroupedQuery(
        int heads,
        int kvHeads,
        int headDim,
        RopeScaling rope,
        boolean projectionBias,
        boolean outputBias,
        QkNorm qkNorm,
        boolean sinks,
        List<Integer> windows)
        implements AttentionConfig {
    /** What RMS norms of queries and keys go over. */
    public enum QkNorm {
        NONE,
        /** Each head: Qwen3. */
        HEAD,
        /** All heads together: OLMoE. */
        PROJECTION
    }

    /**
     * Reads what all such families write alike.
     *
     * @param window of each layer, by index
     */
    public static GroupedQuery read(ConfigReader config, boolean projectionBias, boolean outputBias, IntUnaryOperator window) {
        return read(config, projectionBias, outputBias, window, 1);
    }

    /** @param rotated the part of a head that has rotary positions */
    public static GroupedQuery read(
            ConfigReader config, boolean projectionBias, boolean outputBias, IntUnaryOperator window, double rotated) {
        int heads = config.integer("num_attention_heads");
        int kvHeads = config.integer("num_key_value_heads", heads);
        int headDim = config.optionalInteger("head_dim").orElseGet(() -> config.integer("hidden_size") / heads);
        if (heads % kvHeads != 0) {
            throw config.wrong("num_key_value_heads", kvHeads + " does not divide " + heads + " attention heads");
        }
        int rotaryDim = (int) (headDim * rotated);
        if (headDim % 2 != 0 || rotaryDim % 2 != 0 || rotaryDim < 2 || rotaryDim > headDim) {
            throw config.wrong("head_dim", headDim + (rotated == 1 ? "" : ", of which " + rotated + " are rotated,")
                    + " is odd; rotary positions turn pairs");
        }
        var windows = IntStream.range(0, config.integer("num_hidden_layers")).map(window).boxed().toList();
        return new GroupedQuery(
                heads, kvHeads, headDim, RopeConfig.read(config, rotaryDim), projectionBias, outputBias, QkNorm.NONE, false, windows);
    }

    public GroupedQuery with(QkNorm norm) {
        return new GroupedQuery(heads, kvHeads, headDim, rope, projectionBias, outputBias, norm, sinks, windows);
    }

    public GroupedQuery withSinks() {
        return new GroupedQuery(heads, kvHeads, headDim, rope, projectionBias, outputBias, qkNorm, true, windows);
    }

    @Override
    public int rotatedHeadDim() {
        return headDim;
    }

    @Override
    public boolean interleaved() {
        return false;
    }

    @Override
    public long cacheWidth() {
        return (long) kvHeads * headDim;
    }

    @Override
    public SelfAttention build(int layer, String name, DecoderConfig config, Rotary rotary, ModelBuilder builder) {
        return new GroupedAttention(layer, name, config, this, rotary, builder);
    }
}
