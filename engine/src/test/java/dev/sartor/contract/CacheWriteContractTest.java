package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.CacheWrite;
import dev.sartor.tensor.Columns;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({CacheWrite.class})
class CacheWriteContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> writes() {
        return grid((size, dtype) -> Stream.of(1, 3).flatMap(batch -> kernel(
                batch + " x " + size + " " + dtype, Tolerance.EXACT, f -> {
                    int capacity = size.rows + 4;
                    return new CacheWrite(
                            Columns.of(f.random(dtype, (long) batch * size.rows, size.width)),
                            f.changed("cache", dtype, batch, capacity, size.width), f.ints(slots(batch, size.rows), batch, size.rows));
                })));
    }

    @TestFactory
    Stream<DynamicTest> ofColumns() {
        return types().flatMap(dtype -> kernel("columns of a fused projection " + dtype, Tolerance.EXACT, f -> new CacheWrite(
                new Columns(f.random(dtype, 6, 50), 17, 16), f.changed("cache", dtype, 2, 5, 16),
                f.ints(new int[] {4, 0, -1, 1, -1, 2}, 2, 3))));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return refused("slot beyond the capacity", f -> new CacheWrite(
                Columns.of(f.random(FLOAT32, 2, 16)), f.changed("cache", FLOAT32, 1, 23, 16), f.ints(new int[] {0, 23}, 1, 2)),
                "23");
    }

    /** Backwards, with every fifth left out. */
    private static int[] slots(int batch, int length) {
        var slots = new int[batch * length];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = i % 5 == 3 ? -1 : length + 3 - i % length;
        }
        return slots;
    }
}
