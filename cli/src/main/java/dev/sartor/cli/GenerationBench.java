package dev.sartor.cli;

import dev.sartor.generate.Generator;
import dev.sartor.generate.Sampling;
import dev.sartor.io.Json;
import dev.sartor.model.LanguageModel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Times greedy generation from random tokens. The prompt's pass brings the first token and is timed
 * by itself; every token after it is one decoding step.
 *
 * @param batch sequences at a time
 * @param prompt tokens of each prompt, at least 1
 * @param tokens new tokens of each sequence, at least 2
 */
record GenerationBench(int batch, int prompt, int tokens) {
    GenerationBench {
        if (batch < 1 || prompt < 1 || tokens < 2) {
            throw new IllegalArgumentException("--batch and --prompt must be 1 or more and --generate 2 or more, not "
                    + batch + ", " + prompt + ", " + tokens);
        }
    }

    /**
     * @param prefillTokensPerSecond of the prompts' pass, over all sequences
     * @param decodeTokensPerSecond of the tokens after the first, over all sequences
     * @param stepMilliseconds median time of one decoding step
     */
    record Result(double prefillTokensPerSecond, double decodeTokensPerSecond, double stepMilliseconds) {
        String text() {
            return "decode %.1f tokens per second (median step %.2f ms), prefill %.1f tokens per second; peak resident %.2f GiB"
                    .formatted(decodeTokensPerSecond, stepMilliseconds, prefillTokensPerSecond, ProcessMemory.peak() / 1073741824.0);
        }

        String json() {
            var line = Json.object();
            line.put("decode_tokens_per_second", decodeTokensPerSecond);
            line.put("decode_step_milliseconds_median", stepMilliseconds);
            line.put("prefill_tokens_per_second", prefillTokensPerSecond);
            line.put("peak_resident_bytes", ProcessMemory.peak());
            return Json.compact(line);
        }
    }

    Result run(LanguageModel model) {
        try (var generator = new Generator(model, Sampling.GREEDY, batch, prompt + tokens)) {
            // Once for caches, pages and the JVM's compiler, then for the clock.
            time(generator, model, Math.min(tokens, 16));
            return time(generator, model, tokens);
        }
    }

    private Result time(Generator generator, LanguageModel model, int newTokens) {
        var random = new SplittableRandom(0);
        int vocabulary = Math.toIntExact(model.config().vocabulary());
        List<int[]> prompts = IntStream.range(0, batch).mapToObj(row -> random.ints(prompt, 0, vocabulary).toArray()).toList();
        var marks = new ArrayList<Long>();
        long begun = System.nanoTime();
        generator.generate(prompts, newTokens, (sequence, token) -> {
            if (sequence == batch - 1) {
                marks.add(System.nanoTime());
            }
            return false;
        });
        var steps = IntStream.range(1, marks.size()).mapToLong(i -> marks.get(i) - marks.get(i - 1)).sorted().toArray();
        double decode = (marks.getLast() - marks.getFirst()) / 1e9;
        return new Result((double) batch * prompt / ((marks.getFirst() - begun) / 1e9),
                (double) batch * steps.length / decode, steps[steps.length / 2] / 1e6);
    }
}
