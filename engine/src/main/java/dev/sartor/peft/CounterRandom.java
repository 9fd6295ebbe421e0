package dev.sartor.peft;

import java.nio.charset.StandardCharsets;

/**
 * Random numbers by index: each depends on the seed, a name and its index alone, so a tensor starts
 * the same whatever else is made. SplitMix64's finalizer (Steele et al. 2014) over a counter.
 */
public final class CounterRandom {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private final long key;

    public CounterRandom(long seed, String name) {
        long hash = 0xCBF29CE484222325L;
        for (byte each : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (each & 0xff)) * 0x100000001B3L;
        }
        key = mix(mix(seed + GAMMA) ^ hash);
    }

    /** In [0, 1). */
    public double uniform(long index) {
        return (mix(key + (index + 1) * GAMMA) >>> 11) * 0x1.0p-53;
    }

    /** Standard normal (Box and Muller 1958). */
    public double normal(long index) {
        double radius = Math.sqrt(-2 * Math.log(1 - uniform(2 * index)));
        return radius * Math.cos(2 * Math.PI * uniform(2 * index + 1));
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
