package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.data.Sample;
import dev.sartor.model.ModelConfig;
import java.util.Arrays;
import java.util.Collection;

/**
 * What data ask of a model.
 *
 * @param positions tokens of the longest sample
 * @param vocabulary one more than the highest token id
 */
public record Demands(int positions, int vocabulary) {
    private static final Demands NONE = new Demands(0, 0);

    static Demands of(Collection<Sample> samples) {
        return samples.stream().map(sample -> new Demands(sample.length(), vocabulary(sample.ids()))).reduce(NONE, Demands::and);
    }

    public static Demands ofBatches(Collection<Batch> batches) {
        return batches.stream()
                .map(batch -> new Demands(Arrays.stream(batch.positions()).max().orElse(-1) + 1, vocabulary(batch.inputIds())))
                .reduce(NONE, Demands::and);
    }

    private static int vocabulary(int[] ids) {
        return Arrays.stream(ids).max().orElse(-1) + 1;
    }

    Demands and(Demands other) {
        return new Demands(Math.max(positions, other.positions), Math.max(vocabulary, other.vocabulary));
    }

    /** The same, in windows of so many tokens. */
    Demands within(int length) {
        return new Demands(Math.min(positions, length), vocabulary);
    }

    /**
     * Refuses data that a model cannot take.
     *
     * @throws IllegalArgumentException if samples are longer than the model's positions, or hold tokens that it does not know
     */
    public void check(ModelConfig model) {
        if (positions > model.maxPositions()) {
            throw new IllegalArgumentException("max_length: the data's longest sample has " + positions
                    + " tokens, the model was made for " + model.maxPositions() + "; set max_length=" + model.maxPositions()
                    + " or less");
        }
        if (vocabulary > model.vocabulary()) {
            throw new IllegalArgumentException("the data hold token " + (vocabulary - 1) + ", the model's vocabulary ends at "
                    + (model.vocabulary() - 1) + ": tokenizer.json and config.json (vocab_size) do not belong together");
        }
    }
}
