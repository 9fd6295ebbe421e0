package dev.sartor.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BatchesTest {

    private static final int X = Sample.IGNORED;

    private static Sample sample(int... ids) {
        return Sample.all(ids);
    }

    @Test
    void laysOutPackedRows() {
        Sample masked = new Sample(new int[] {4, 5, 6}, new int[] {X, X, 6});
        Batch batch = Collator.toMultiple(9, 4).collate(List.of(List.of(sample(1, 2, 3), masked), List.of(sample(7, 8))), 3);
        assertEquals(List.of(3, 8, 4L), List.of(batch.rows(), batch.length(), batch.learnedTokens()));
        assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 9, 9, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, batch.inputIds());
        assertArrayEquals(new int[] {2, 3, X, X, 6, X, X, X, 8, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X}, batch.targets());
        assertArrayEquals(new int[] {0, 1, 2, 0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, batch.positions());
        assertArrayEquals(new int[] {0, 0, 0, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, batch.keyBegin());
        assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, batch.keyEnd());
    }

    @Test
    void holdsRowsToALength() {
        assertEquals(6, Collator.toLength(0, 6).collate(List.of(List.of(sample(1, 2))), 1).length());
        assertThrows(IllegalArgumentException.class, () -> Collator.toLength(0, 1).collate(List.of(List.of(sample(1, 2))), 1));
        assertThrows(IllegalArgumentException.class, () -> Collator.toMultiple(0, 8).collate(List.of(List.of(sample(1)), List.of(sample(2))), 1));
        String message = assertThrows(IllegalArgumentException.class, () -> Packing.BFD.pack(List.of(sample(1, 2, 3)), 2)).getMessage();
        assertTrue(message.contains("a sample of 3 tokens does not fit a row of 2"), message);
    }

    @ParameterizedTest
    @EnumSource(Packing.class)
    void packingKeepsEveryToken(Packing packing) {
        Random random = new Random(5);
        List<Sample> samples = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < 200; i++) {
            int[] ids = new int[2 + random.nextInt(31)];
            for (int j = 0; j < ids.length; j++) {
                ids[j] = next++;
            }
            samples.add(sample(ids));
        }
        List<List<Sample>> rows = packing.pack(samples, 32);
        int[] all = rows.stream().flatMap(List::stream).flatMapToInt(s -> Arrays.stream(s.ids())).sorted().toArray();
        assertEquals(next, all.length);
        assertEquals(next - 1, all[next - 1]);
        for (List<Sample> row : rows) {
            assertTrue(row.stream().mapToInt(Sample::length).sum() <= 32);
        }
        if (packing == Packing.BFD) {
            assertTrue(rows.size() <= next / 32 * 1.1 + 1, rows.size() + " rows for " + next + " tokens");
            assertTrue(rows.stream().flatMap(List::stream).allMatch(samples::contains), "samples stay whole");
        }
    }

    @Test
    void permutesEveryPlaceOnce() {
        for (long size : new long[] {1, 2, 3, 5, 16, 17, 1000}) {
            HashSet<Long> seen = new HashSet<>();
            Permutation p = new Permutation(size, 42, 3);
            for (long i = 0; i < size; i++) {
                assertTrue(p.at(i) < size && p.at(i) >= 0 && seen.add(p.at(i)));
            }
        }
        assertEquals(order(100, 1, 0), order(100, 1, 0));
        assertFalse(order(100, 1, 0).equals(order(100, 1, 1)));
        assertFalse(order(100, 1, 0).equals(order(100, 2, 0)));
        // Pinned: a resumed run depends on this order staying what it is.
        assertEquals(PINNED, order(10, 7, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> new Permutation(3, 0, 0).at(3));
    }

    private static final List<Long> PINNED = List.of(4L, 6L, 7L, 0L, 3L, 1L, 8L, 5L, 2L, 9L);

    private static List<Long> order(long size, long seed, long epoch) {
        Permutation p = new Permutation(size, seed, epoch);
        List<Long> order = new ArrayList<>();
        for (long i = 0; i < size; i++) {
            order.add(p.at(i));
        }
        return order;
    }

    @Test
    void everyEpochSeesEveryRowOnce() {
        List<List<Sample>> rows = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            rows.add(List.of(sample(i, i + 100)));
        }
        Batches batches = Batches.shuffled(rows, 3, Collator.toLength(0, 2), 11);
        assertEquals(3, batches.perEpoch());
        List<List<Integer>> orders = new ArrayList<>();
        for (long epoch = 0; epoch < 2; epoch++) {
            List<Integer> seen = new ArrayList<>();
            for (Batch batch : batches.epoch(epoch)) {
                assertEquals(3, batch.rows());
                for (int row = 0; row < 3; row++) {
                    if (batch.targets()[2 * row] != X) {
                        seen.add(batch.inputIds()[2 * row]);
                    }
                }
            }
            orders.add(seen);
            assertEquals(List.of(0, 1, 2, 3, 4, 5, 6), seen.stream().sorted().toList());
        }
        assertFalse(orders.get(0).equals(orders.get(1)), "a new order each epoch");
        Batches inOrder = Batches.inOrder(rows, 3, Collator.toLength(0, 2));
        assertArrayEquals(new int[] {6, 106, 0, 0, 0, 0}, inOrder.at(new Cursor(5, 2)).inputIds());
        assertThrows(IndexOutOfBoundsException.class, () -> inOrder.at(new Cursor(0, 3)));
    }

    @Test
    void cursorsCountOverEpochs() {
        Cursor cursor = Cursor.START;
        for (int i = 0; i < 11; i++) {
            assertEquals(Cursor.after(i, 4), cursor);
            cursor = cursor.next(4);
        }
        assertEquals(new Cursor(2, 3), cursor);
        assertThrows(IllegalArgumentException.class, () -> new Cursor(-1, 0));
    }

    @Test
    void digestsTellDataApart() {
        List<List<Sample>> rows = List.of(List.of(sample(1, 2), sample(3)), List.of(sample(4)));
        long digest = digest(rows);
        assertEquals(digest, digest(List.of(List.of(sample(1, 2), sample(3)), List.of(sample(4)))));
        for (var other : List.of(
                List.of(List.of(sample(1, 2), sample(3)), List.of(sample(5))),
                List.of(List.of(sample(1), sample(2, 3)), List.of(sample(4))),
                List.of(List.of(sample(1, 2)), List.of(sample(3), sample(4))),
                List.of(List.of(sample(1, 2), sample(3)), List.of(new Sample(new int[] {4}, new int[] {X}))))) {
            assertNotEquals(digest, digest(other));
        }
        // Longer than what is summed at once.
        int[] stream = new Random(3).ints(50_000, 0, 100).toArray();
        long whole = new RandomWindows(new TextFile(stream), 8, 2, 1).digest();
        for (int at : new int[] {0, 16_383, 16_384, 49_999}) {
            int[] changed = stream.clone();
            changed[at] ^= 1;
            assertNotEquals(whole, new RandomWindows(new TextFile(changed), 8, 2, 1).digest());
        }
        assertEquals(whole, new RandomWindows(new TextFile(stream.clone()), 8, 2, 1).digest());
    }

    private static long digest(List<List<Sample>> rows) {
        return Batches.inOrder(rows, 1, Collator.toMultiple(0, 4)).digest();
    }

    @Test
    void randomWindowsGoOnAnywhere() {
        RandomWindows windows = new RandomWindows(new TextFile(Arrays.stream(new int[100]).map(i -> 1).toArray()), 10, 2, 3);
        assertEquals(5, windows.perEpoch());
        int[] stream = new int[100];
        Arrays.setAll(stream, i -> i);
        RandomWindows counting = new RandomWindows(new TextFile(stream), 10, 2, 3);
        assertArrayEquals(counting.at(new Cursor(1, 2)).inputIds(), counting.at(new Cursor(1, 2)).inputIds());
        assertFalse(Arrays.equals(counting.at(new Cursor(0, 2)).inputIds(), counting.at(new Cursor(1, 2)).inputIds()));
        assertEquals(18, counting.at(Cursor.START).learnedTokens());
        assertThrows(IllegalArgumentException.class, () -> new RandomWindows(new TextFile(stream), 101, 2, 3));
    }
}
