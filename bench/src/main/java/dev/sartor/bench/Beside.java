package dev.sartor.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What a benchmark is held against: run before each of its iterations, for as long, so that whatever
 * else the machine does meets both sides. By turns of an iteration, not of a call: threads of either
 * side may spin for a while after a call, and would take the other's time.
 */
final class Beside {
    private final double flops;
    private final Runnable side;
    private final List<Double> seconds = new ArrayList<>();

    /** @param flops floating-point operations of a run */
    Beside(double flops, Runnable side) {
        this.flops = flops;
        this.side = side;
    }

    double flops() {
        return flops;
    }

    /** Of a run, the mean of each iteration, in order. */
    List<Double> seconds() {
        return seconds;
    }

    /** An iteration, of at least one run. */
    void iterate(long nanoseconds) {
        long start = System.nanoTime();
        long elapsed;
        int runs = 0;
        do {
            side.run();
            runs++;
            elapsed = System.nanoTime() - start;
        } while (elapsed < nanoseconds);
        seconds.add(elapsed * 1e-9 / runs);
    }
}
