package dev.sartor.data;

import java.util.ArrayList;
import java.util.List;

/**
 * Batches of windows at random places of one text ({@link TextFile#randomWindow}), as language models are commonly trained
 * on a stream. An epoch is as many batches as would cover the text once.
 *
 * @param text      the stream
 * @param length    tokens of a window and of the batches
 * @param batchSize windows of a batch
 * @param seed      decides the places
 */
public record RandomWindows(TextFile text, int length, int batchSize, long seed) implements BatchSource {

    public RandomWindows {
        if (batchSize < 1) {
            throw new IllegalArgumentException("a batch needs at least one row, given " + batchSize);
        }
        text.randomWindow(length, seed, 0);
    }

    @Override
    public long perEpoch() {
        return Math.max(1, text.tokens().length / ((long) length * batchSize));
    }

    @Override
    public Batch at(Cursor cursor) {
        if (cursor.index() >= perEpoch()) {
            throw new IndexOutOfBoundsException("batch " + cursor.index() + " of an epoch of " + perEpoch());
        }
        long first = (cursor.epoch() * perEpoch() + cursor.index()) * batchSize;
        List<List<Sample>> rows = new ArrayList<>();
        for (int row = 0; row < batchSize; row++) {
            rows.add(List.of(text.randomWindow(length, seed, first + row)));
        }
        return Collator.toLength(0, length).collate(rows, batchSize);
    }

    @Override
    public long digest() {
        return new TokenDigest().add(text.tokens()).value();
    }
}
