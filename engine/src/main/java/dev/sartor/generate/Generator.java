package dev.sartor.generate;

import dev.sartor.model.LanguageModel;
import dev.sartor.nn.KvCache;
import dev.sartor.nn.RandomStream;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Generates tokens for a batch of sequences with a KV cache. A generator sees the adapter that was
 * active when it was made.
 */
public final class Generator implements AutoCloseable {
    /** Prompts are taken in pieces of at most the largest of these numbers of tokens, the last in the smallest that holds it. */
    private static final int[] PIECES = {16, 32, 64, 128};

    /** Hears each token as it comes, and says when a sequence is done. */
    @FunctionalInterface
    public interface TokenListener {
        /** @return whether the sequence ends with this token */
        boolean token(int sequence, int token);
    }

    private final int batch;
    private final int capacity;
    private final Scope episode;
    private final Workspace workspace;
    private final RandomStream random;
    private final List<DecodeProgram> prefill;
    private final DecodeProgram decode;

    /**
     * @param batch sequences at a time
     * @param capacity longest sequence, prompt included
     * @throws IllegalArgumentException if the model was not made for sequences that long
     */
    public Generator(LanguageModel model, Sampling sampling, int batch, int capacity) {
        if (batch < 1 || capacity < 2) {
            throw new IllegalArgumentException("a generator needs a batch of 1 or more and room for 2 tokens or more, not "
                    + batch + " x " + capacity);
        }
        if (capacity > model.config().maxPositions()) {
            throw new IllegalArgumentException("a generator's room for " + capacity + " tokens is more than the model's "
                    + model.config().maxPositions() + " positions");
        }
        this.batch = batch;
        this.capacity = capacity;
        var device = model.device();
        episode = new Scope(Scope.Kind.EPISODE, device);
        workspace = new Workspace(device);
        try {
            random = new RandomStream(device, episode, sampling.seed());
            var cache = new KvCache(episode, model.config().layers(), batch, capacity, model.config().cacheWidth(), model.dtype());
            IntFunction<DecodeProgram> program = length ->
                    new DecodeProgram(model, cache, episode, workspace, random.tensor(), sampling, length);
            prefill = Arrays.stream(PIECES).map(length -> Math.min(length, capacity)).distinct().mapToObj(program).toList();
            decode = program.apply(1);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Generates until every sequence has ended or is as long as it may be.
     *
     * @param prompts one to {@code batch} sequences, each of one token or more
     * @param maxNewTokens for each sequence; fewer where the capacity ends first
     * @throws IllegalArgumentException if a prompt is empty or does not fit
     */
    public void generate(List<int[]> prompts, int maxNewTokens, TokenListener listener) {
        check(prompts);
        int[] lengths = new int[batch];
        int[] next = new int[batch];
        boolean[] running = new boolean[batch];
        random.setStep(0);
        prefill(prompts, lengths, next);
        for (int row = 0; row < prompts.size(); row++) {
            running[row] = maxNewTokens > 0 && !listener.token(row, next[row]);
        }
        for (int made = 1; made < maxNewTokens; made++) {
            int[][] tokens = new int[batch][0];
            boolean any = false;
            for (int row = 0; row < batch; row++) {
                // The token that is about to be taken, and the one that it will bring.
                running[row] &= lengths[row] + 1 < capacity;
                if (running[row]) {
                    tokens[row] = new int[] {next[row]};
                    any = true;
                }
            }
            if (!any) {
                return;
            }
            random.setStep(made);
            next = decode.run(tokens, lengths);
            for (int row = 0; row < batch; row++) {
                if (running[row]) {
                    lengths[row]++;
                    running[row] = !listener.token(row, next[row]);
                }
            }
        }
    }

    private void check(List<int[]> prompts) {
        if (prompts.isEmpty() || prompts.size() > batch) {
            throw new IllegalArgumentException(prompts.size() + " prompts for a generator of " + batch + " sequences");
        }
        for (int[] prompt : prompts) {
            if (prompt.length == 0) {
                throw new IllegalArgumentException("a prompt is empty; expected one token or more (such as the BOS token)");
            }
            if (prompt.length >= capacity) {
                throw new IllegalArgumentException("a prompt of " + prompt.length + " tokens leaves no room in a context of "
                        + capacity + "; shorten it");
            }
        }
    }

    private void prefill(List<int[]> prompts, int[] lengths, int[] next) {
        int piece = prefill.getLast().length();
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        for (int start = 0; start < longest; start += piece) {
            int[][] tokens = new int[batch][0];
            for (int row = 0; row < prompts.size(); row++) {
                int[] prompt = prompts.get(row);
                int from = Math.min(start, prompt.length);
                tokens[row] = Arrays.copyOfRange(prompt, from, Math.min(start + piece, prompt.length));
            }
            int left = Math.min(piece, longest - start);
            var program = prefill.stream().filter(fits -> fits.length() >= left).findFirst().orElseThrow();
            int[] sampled = program.run(tokens, lengths);
            for (int row = 0; row < prompts.size(); row++) {
                lengths[row] += tokens[row].length;
                if (tokens[row].length > 0 && lengths[row] == prompts.get(row).length) {
                    next[row] = sampled[row];
                }
            }
        }
    }

    @Override
    public void close() {
        workspace.close();
        episode.close();
    }
}
