package dev.sartor.upcycle;

import dev.sartor.io.ModelDirectory;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.peft.CounterRandom;
import dev.sartor.upcycle.MixtureWriter.Dense;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Sparse upcycling (Komatsuzaki et al. 2023): a dense model becomes a mixture whose experts are copies of its feed-forward
 * networks. The weights of a token's experts sum to 1, so copies compute what the dense model does, whatever
 * the routers say. Noise or partial re-initialization make experts differ from the start.
 */
public final class Upcycling {
    /**
     * How to upcycle.
     *
     * @param topK experts a token
     * @param noise deviation of the normal noise that experts' weights get, in units of each matrix's root mean square
     * @param reinit share of an expert's inner features that start anew, drawn for each expert: their rows of
     *     gate and up and columns of down are normal with each matrix's own mean and deviation (Drop-Upcycling,
     *     Nakamura et al. 2025, section 3)
     * @param routerStd deviation of the routers' normal weights
     * @param auxLossCoef of the load-balancing loss, for config.json
     * @param seed of all that is random
     */
    public record Settings(int experts, int topK, double noise, double reinit, double routerStd, double auxLossCoef, long seed) {
        public Settings {
            require("noise", noise);
            require("reinit", reinit);
            if (reinit > 1) {
                throw new IllegalArgumentException("reinit " + reinit + ": expected at most 1");
            }
            requireRouter(routerStd, auxLossCoef);
        }

        /** Whether the mixture computes at first what the dense model does. */
        public boolean isExact() {
            return noise == 0 && reinit == 0;
        }
    }

    /**
     * What was made.
     *
     * @param modelType of the mixture
     */
    public record Report(String modelType, long bytesBefore, long bytesAfter) {}

    /** @throws IllegalArgumentException if one is negative or not finite */
    static void requireRouter(double routerStd, double auxLossCoef) {
        require("router-std", routerStd);
        require("router-aux-loss-coef", auxLossCoef);
    }

    private static void require(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " " + value + ": expected a number, 0 or more");
        }
    }

    private record Moments(double mean, double deviation) {
        double rootMeanSquare() {
            return Math.sqrt(mean * mean + deviation * deviation);
        }
    }

    private final Settings settings;
    private final TensorReader reader;
    private final Map<String, Moments> moments = new HashMap<>();

    private Upcycling(Settings settings, TensorReader reader) {
        this.settings = settings;
        this.reader = reader;
    }

    /**
     * Writes the mixture, a few rows at a time, in the dense weights' types.
     *
     * @param source a Llama, Mistral or Qwen3 model
     * @param maxShardBytes as in {@link dev.sartor.io.SafetensorsWriter#writeModel}
     * @throws IllegalArgumentException if the settings make no mixture, the mixture's type cannot express the model, or
     *     target may not be written (see {@link OutputDirectory})
     */
    public static Report write(Path source, OutputDirectory target, Settings settings, long maxShardBytes) throws IOException {
        var output = target.sparing("the dense model's", source);
        output.require();
        var dense = ModelDirectory.open(source);
        var config = MixtureConfig.of(dense, settings.experts, settings.topK, settings.auxLossCoef);
        try (var file = dense.openWeights(); var reader = new TensorReader(file)) {
            var upcycling = new Upcycling(settings, reader);
            long bytes = new MixtureWriter(config, settings.experts, reader)
                    .write(dense, output, upcycling.contents(config), maxShardBytes);
            return new Report(config.modelType(), file.totalBytes(), bytes);
        }
    }

    private MixtureWriter.Contents contents(MixtureConfig config) {
        return new MixtureWriter.Contents() {
            @Override
            public void expert(int expert, Dense dense, TensorSource.Sink sink) throws IOException {
                if (settings.isExact()) {
                    reader.copy(dense.key(), sink);
                } else {
                    changed(expert, dense, sink);
                }
            }

            @Override
            public float[] router(int layer, String name) {
                return randomRouter(settings.seed, name, settings.experts, config.hidden(), settings.routerStd);
            }

            @Override
            public void other(String key, TensorSource.Sink sink) throws IOException {
                reader.copy(key, sink);
            }
        };
    }

    /** [experts, hidden], normal. */
    static float[] randomRouter(long seed, String name, int experts, long hidden, double deviation) {
        var random = new CounterRandom(seed, name);
        var values = new float[Math.toIntExact(experts * hidden)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.normal(i) * deviation);
        }
        return values;
    }

    private void changed(int expert, Dense dense, TensorSource.Sink sink) throws IOException {
        var own = moments(dense.key());
        var anew = settings.reinit == 0 ? null : chosen(expert, dense);
        var name = dense.module() + "." + expert;
        var noise = new CounterRandom(settings.seed, name + " noise");
        var start = new CounterRandom(settings.seed, name + " reinit");
        double deviation = settings.noise * own.rootMeanSquare();
        long columns = dense.spec().shape().last();
        reader.copyFloats(dense.key(), new Values((values, first) -> {
            for (int i = 0; i < values.length; i++) {
                long at = first + i;
                if (anew != null && anew[Math.toIntExact(dense.isDown() ? at % columns : at / columns)]) {
                    values[i] = (float) (own.mean + own.deviation * start.normal(at));
                }
                if (deviation > 0) {
                    values[i] += (float) (deviation * noise.normal(at));
                }
            }
            sink.write(values);
        }));
    }

    /** Which inner features of an expert start anew: the same in gate, up and down. */
    private boolean[] chosen(int expert, Dense dense) {
        int inner = Math.toIntExact(dense.isDown() ? dense.spec().shape().last() : dense.spec().shape().dim(0));
        var random = new CounterRandom(settings.seed, "layer " + dense.layer() + " expert " + expert);
        var order = IntStream.range(0, inner).boxed().sorted(Comparator.comparingDouble((Integer feature) -> random.uniform(feature))).toList();
        var anew = new boolean[inner];
        order.subList(0, (int) Math.round(settings.reinit * inner)).forEach(feature -> anew[feature] = true);
        return anew;
    }

    private Moments moments(String key) throws IOException {
        var known = moments.get(key);
        if (known != null) {
            return known;
        }
        double[] sums = new double[2];
        reader.copyFloats(key, new Values((values, first) -> {
            for (float value : values) {
                sums[0] += value;
                sums[1] += (double) value * value;
            }
        }));
        double count = reader.file().spec(key).shape().elements();
        double mean = sums[0] / count;
        var made = new Moments(mean, Math.sqrt(Math.max(0, sums[1] / count - mean * mean)));
        moments.put(key, made);
        return made;
    }

    /** Takes a tensor's elements piece by piece. */
    private static final class Values implements TensorSource.Sink {
        private interface Taker {
            /** @param first index of the first of the values */
            void take(float[] values, long first) throws IOException;
        }

        private final Taker taker;
        private long taken;

        Values(Taker taker) {
            this.taker = taker;
        }

        @Override
        public void write(float[] values) throws IOException {
            taker.take(values, taken);
            taken += values.length;
        }

        @Override
        public void write(int[] values) {
            throw new IllegalStateException("weights are floats, not " + Arrays.toString(values));
        }

        @Override
        public void write(java.lang.foreign.MemorySegment bytes) {
            throw new IllegalStateException("expected elements, not " + bytes.byteSize() + " bytes");
        }
    }
}
