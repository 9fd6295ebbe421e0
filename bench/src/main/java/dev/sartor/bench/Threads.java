package dev.sartor.bench;

/** How many threads each side of a comparison has: {@code OMP_NUM_THREADS}, which oneDNN reads as well. */
public final class Threads {
    private static final String VARIABLE = "OMP_NUM_THREADS";

    private Threads() {}

    /** @return 0, one for each available core, where the variable is not set */
    public static int count() {
        var value = System.getenv(VARIABLE);
        if (value == null || value.isBlank()) {
            return 0;
        }
        try {
            int threads = Integer.parseInt(value.strip());
            if (threads > 0) {
                return threads;
            }
        } catch (NumberFormatException notANumber) {
            // Told below.
        }
        throw new IllegalArgumentException(VARIABLE + ": expected a number of threads from 1, found '" + value + "'");
    }
}
