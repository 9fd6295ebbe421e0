package dev.sartor.generate;

import dev.sartor.model.LanguageModel;
import dev.sartor.text.StreamDecoder;
import dev.sartor.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Generates text: tokenizes, streams what comes, and stops at an end token or a stop string. */
public final class TextGenerator implements AutoCloseable {
    /** Why a text ended. */
    public enum Finish {
        /** The model said so, with an end token. */
        END,
        STOP_STRING,
        /** max_new_tokens or the context was reached. */
        LENGTH
    }

    /** @param text without the stop string */
    public record Text(String text, Finish finish, int tokens) {}

    private final Generator generator;
    private final Tokenizer tokenizer;
    private final Set<Integer> ends;

    /**
     * @param batch prompts at a time
     * @param capacity longest text in tokens, prompt included
     */
    public TextGenerator(LanguageModel model, Tokenizer tokenizer, Sampling sampling, int batch, int capacity) {
        this.generator = new Generator(model, sampling, batch, capacity);
        this.tokenizer = tokenizer;
        this.ends = Set.copyOf(tokenizer.specialTokens().eosIds());
    }

    /**
     * Goes on with one prompt.
     *
     * @param stops the first of them to appear ends the text
     * @param listener hears each piece of text as soon as it cannot be the beginning of a stop string
     */
    public Text generate(int[] prompt, int maxNewTokens, List<String> stops, Consumer<String> listener) {
        var row = new Row(stops, listener);
        generator.generate(List.of(prompt), maxNewTokens, (sequence, token) -> row.take(token));
        return row.finish();
    }

    /** Goes on with several prompts at a time, as many as the batch. */
    public List<Text> generate(List<int[]> prompts, int maxNewTokens, List<String> stops) {
        var rows = new ArrayList<Row>();
        prompts.forEach(prompt -> rows.add(new Row(stops, piece -> {})));
        generator.generate(prompts, maxNewTokens, (sequence, token) -> rows.get(sequence).take(token));
        return rows.stream().map(Row::finish).toList();
    }

    private final class Row {
        private final StreamDecoder decoder = tokenizer.streamDecoder(true);
        private final StringBuilder text = new StringBuilder();
        private final List<String> stops;
        private final Consumer<String> listener;
        private int told;
        private int tokens;
        private Finish finish = Finish.LENGTH;

        Row(List<String> stops, Consumer<String> listener) {
            if (stops.contains("")) {
                throw new IllegalArgumentException("stop: a text that ends the answer cannot be empty");
            }
            this.stops = stops;
            this.listener = listener;
        }

        boolean take(int token) {
            tokens++;
            if (ends.contains(token)) {
                finish = Finish.END;
                return true;
            }
            return append(decoder.next(token));
        }

        private boolean append(String piece) {
            text.append(piece);
            int end = stops.stream()
                    .mapToInt(stop -> text.indexOf(stop, Math.max(0, text.length() - piece.length() - stop.length())))
                    .filter(at -> at >= 0)
                    .min()
                    .orElse(-1);
            if (end >= 0) {
                text.setLength(end);
                finish = Finish.STOP_STRING;
                return true;
            }
            tell(text.length() - held());
            return false;
        }

        /** Characters at the end that may be the beginning of a stop string. */
        private int held() {
            int most = 0;
            for (var stop : stops) {
                for (int n = Math.min(stop.length() - 1, text.length()); n > most; n--) {
                    if (stop.startsWith(text.substring(text.length() - n))) {
                        most = n;
                    }
                }
            }
            return most;
        }

        private void tell(int end) {
            if (end > told) {
                listener.accept(text.substring(told, end));
                told = end;
            }
        }

        Text finish() {
            if (finish != Finish.STOP_STRING) {
                append(decoder.finish());
            }
            tell(text.length());
            return new Text(text.toString(), finish, tokens);
        }
    }

    @Override
    public void close() {
        generator.close();
    }
}
