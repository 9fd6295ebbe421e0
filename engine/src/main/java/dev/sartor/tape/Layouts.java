package dev.sartor.tape;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Layouts that were found before. A layout follows from lives and sizes alone, so steps that differ in their weights
 * only, such as LoRA on a dense and on a quantized base, are laid out once. For any number of threads.
 */
public final class Layouts {
    /** All that {@link Lifetimes#place} looks at; compared by content. */
    private record Question(int instructions, int[] first, int[] last, long[] bytes) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Question that && instructions == that.instructions && Arrays.equals(first, that.first)
                    && Arrays.equals(last, that.last) && Arrays.equals(bytes, that.bytes);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * (31 * instructions + Arrays.hashCode(first)) + Arrays.hashCode(last)) + Arrays.hashCode(bytes);
        }
    }

    private final Map<Question, Lifetimes.Layout> known = new ConcurrentHashMap<>();

    /** As {@link Lifetimes#place}; a second thread with the same question waits for the first one's answer. */
    public Lifetimes.Layout of(Lifetimes lifetimes, long[] bytes) {
        return known.computeIfAbsent(
                new Question(lifetimes.instructions().size(), lifetimes.first(), lifetimes.last(), bytes.clone()),
                question -> lifetimes.place(bytes));
    }
}
