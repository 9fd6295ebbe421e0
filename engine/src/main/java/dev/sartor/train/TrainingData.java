package dev.sartor.train;

import dev.sartor.data.Batch;
import java.util.List;

/**
 * The data of a run as a function of the step alone: that is what lets a run stop anywhere and go on
 * exactly.
 */
public interface TrainingData {
    /** Optimizer steps in one pass over the data. */
    long stepsPerEpoch();

    /** The micro-batches of an optimizer step, counted from 0 over all epochs. */
    List<Batch> step(long step);

    /** A checksum of all the data that come from files; 0 where none do. A run resumes on the same data only. */
    default long digest() {
        return 0;
    }
}
