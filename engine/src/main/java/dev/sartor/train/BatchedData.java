package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.data.BatchSource;
import dev.sartor.data.Cursor;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Training data from a source of micro-batches, a fixed number of them a step.
 *
 * @param accumulation micro-batches an optimizer step; a step may reach over the end of an epoch
 */
public record BatchedData(BatchSource source, int accumulation) implements TrainingData {
    @Override
    public long stepsPerEpoch() {
        return Math.max(1, Math.ceilDiv(source.perEpoch(), accumulation));
    }

    @Override
    public List<Batch> step(long step) {
        return LongStream.range(step * accumulation, (step + 1) * accumulation)
                .mapToObj(number -> source.at(Cursor.after(number, source.perEpoch())))
                .toList();
    }

    @Override
    public long digest() {
        return source.digest();
    }
}
