package dev.sartor.peft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Elements of adapters' matrices in files. */
class ArrangementTest {
    /** Two experts, two parts of two rows, rank 1: elements are named by part, expert, row. */
    @Test
    void bOfExpertsIsByRankAndExpert() {
        float[] memory = {11.1f, 11.2f, 12.1f, 12.2f, 21.1f, 21.2f, 22.1f, 22.2f};
        var shape = Shape.of(8, 1);
        assertEquals(Shape.of(4, 2), new Arrangement.RankMajor(2, 2, false).stored(shape));
        float[] stacked = {11.1f, 12.1f, 11.2f, 12.2f, 21.1f, 22.1f, 21.2f, 22.2f};
        assertArrayEquals(stacked, new Arrangement.RankMajor(2, 2, false).toFile(memory, shape));
        float[] alternating = {11.1f, 12.1f, 21.1f, 22.1f, 11.2f, 12.2f, 21.2f, 22.2f};
        assertArrayEquals(alternating, new Arrangement.RankMajor(2, 2, true).toFile(memory, shape));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void readAndWrittenAreInverse(boolean alternating) {
        var shape = Shape.of(2 * 3 * 5, 4);
        float[] values = new float[120];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        for (var arrangement : new Arrangement[] {Arrangement.PLAIN, new Arrangement.Transposed(), new Arrangement.RankMajor(3, 2, alternating)}) {
            assertArrayEquals(values, arrangement.fromFile(arrangement.toFile(values, shape), shape), arrangement.toString());
        }
        // By rank, then expert: column 1 of the file is the first rank of the second expert.
        assertEquals(values[1 * 5 * 4], new Arrangement.RankMajor(3, 2, alternating).toFile(values, shape)[1]);
    }
}
