package dev.sartor.model.decoder;

import dev.sartor.model.ModelBuilder;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.RopeScaling;
import java.util.List;

/** How a decoder's layers attend. */
public sealed interface AttentionConfig permits GroupedQuery {
    /** Frequencies of the part of each head that is rotated. */
    RopeScaling rope();

    /** Elements of a head that has rotary positions. */
    int rotatedHeadDim();

    /** Whether neighbours are rotated as a pair, rather than the halves of what is rotated. */
    boolean interleaved();

    /** Features of one token's keys (and of its values) in a KV cache. */
    long cacheWidth();

    /** Sliding window of each layer; 0 where it sees everything. */
    List<Integer> windows();

    /** @param name such as {@code model.layers.3.self_attn} */
    SelfAttention build(int layer, String name, DecoderConfig config, Rotary rotary, ModelBuilder builder);
}
