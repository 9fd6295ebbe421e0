package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.Scope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Loss of a model on held-out data.
 *
 * @param loss mean over the learned tokens, in nats
 * @param tokens how many tokens that is
 */
public record Evaluation(double loss, long tokens) {
    public double perplexity() {
        return Math.exp(loss);
    }

    /** Evaluates batches with programs that are kept from one call to the next. */
    public static final class Evaluator {
        private record Key(int rows, int length) {}

        private final LanguageModel model;
        private final Scope state;
        private final Workspace workspace;
        private final Map<Key, LossProgram> programs = new HashMap<>();

        public Evaluator(LanguageModel model, Scope state, Workspace workspace) {
            this.model = model;
            this.state = state;
            this.workspace = workspace;
        }

        /**
         * @throws IllegalArgumentException if the batches have nothing that is learned
         */
        public Evaluation run(List<Batch> batches) {
            double sum = 0;
            long tokens = 0;
            for (var batch : batches) {
                var program = programs.computeIfAbsent(new Key(batch.rows(), batch.length()),
                        key -> new LossProgram(model, state, workspace, key.rows, key.length, false, Recompute.NONE));
                sum += program.run(batch, 1);
                tokens += batch.learnedTokens();
            }
            if (tokens == 0) {
                throw new IllegalArgumentException("nothing to evaluate: no token of the data is learned");
            }
            return new Evaluation(sum / tokens, tokens);
        }
    }
}
