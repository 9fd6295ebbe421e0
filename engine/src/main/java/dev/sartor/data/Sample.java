package dev.sartor.data;

import java.util.Arrays;

/**
 * One example as token ids. The label of a place is the id that should be predicted there from what stands before it, or
 * {@link #IGNORED}; it is shifted to where the prediction is made when batches are collated.
 *
 * @param ids    token ids
 * @param labels as many: {@code ids[i]} where place i is learned, else {@link #IGNORED}
 */
public record Sample(int[] ids, int[] labels) {

    /** The label of what is not learned, as in PyTorch's cross-entropy. */
    public static final int IGNORED = -100;

    public Sample {
        if (ids.length != labels.length) {
            throw new IllegalArgumentException("a sample has " + ids.length + " ids and " + labels.length + " labels");
        }
    }

    /** A sample of which all is learned. */
    public static Sample all(int[] ids) {
        return new Sample(ids, ids.clone());
    }

    public int length() {
        return ids.length;
    }

    /** How many places are learned: the first never is, as nothing stands before it. */
    public int learned() {
        int learned = 0;
        for (int i = 1; i < labels.length; i++) {
            if (labels[i] != IGNORED) {
                learned++;
            }
        }
        return learned;
    }

    /** The part from {@code from} to before {@code to}. */
    public Sample slice(int from, int to) {
        return new Sample(Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(labels, from, to));
    }
}
