package dev.sartor.data;

import java.util.ArrayList;
import java.util.List;

/**
 * The micro-batches of a run as a function of epoch and index: nothing is remembered, so a run can stop and go on
 * anywhere ({@link Cursor}). Every epoch sees every row once, in an order of its own if shuffled. An epoch's last batch
 * is filled up with rows of padding.
 */
public final class Batches implements BatchSource {

    private final List<List<Sample>> rows;
    private final int batchSize;
    private final Collator collator;
    private final boolean shuffled;
    private final long seed;

    private Batches(List<List<Sample>> rows, int batchSize, Collator collator, boolean shuffled, long seed) {
        if (rows.isEmpty() || batchSize < 1) {
            throw new IllegalArgumentException("batches need at least one row and a positive size; found " + rows.size() + " rows, size " + batchSize);
        }
        this.rows = List.copyOf(rows);
        this.batchSize = batchSize;
        this.collator = collator;
        this.shuffled = shuffled;
        this.seed = seed;
    }

    /**
     * Batches in a new order each epoch.
     *
     * @param rows      packed rows ({@link Packing#pack})
     * @param batchSize rows of a batch
     */
    public static Batches shuffled(List<List<Sample>> rows, int batchSize, Collator collator, long seed) {
        return new Batches(rows, batchSize, collator, true, seed);
    }

    /** Batches in the order given, as for evaluation. */
    public static Batches inOrder(List<List<Sample>> rows, int batchSize, Collator collator) {
        return new Batches(rows, batchSize, collator, false, 0);
    }

    @Override
    public long perEpoch() {
        return Math.ceilDiv(rows.size(), batchSize);
    }

    public int batchSize() {
        return batchSize;
    }

    /** Packed rows in all. */
    public int rows() {
        return rows.size();
    }

    @Override
    public Batch at(Cursor cursor) {
        if (cursor.index() >= perEpoch()) {
            throw new IndexOutOfBoundsException("batch " + cursor.index() + " of an epoch of " + perEpoch());
        }
        Permutation order = shuffled ? new Permutation(rows.size(), seed, cursor.epoch()) : null;
        List<List<Sample>> chosen = new ArrayList<>();
        long from = cursor.index() * batchSize;
        for (long i = from; i < Math.min(rows.size(), from + batchSize); i++) {
            chosen.add(rows.get((int) (order == null ? i : order.at(i))));
        }
        return collator.collate(chosen, batchSize);
    }

    @Override
    public long digest() {
        var digest = new TokenDigest().add(rows.size());
        for (var row : rows) {
            digest.add(row.size());
            row.forEach(sample -> digest.add(sample.ids()).add(sample.labels()));
        }
        return digest.value();
    }

    /** All batches of an epoch. */
    public List<Batch> epoch(long epoch) {
        List<Batch> all = new ArrayList<>();
        for (long i = 0; i < perEpoch(); i++) {
            all.add(at(new Cursor(epoch, i)));
        }
        return all;
    }
}
