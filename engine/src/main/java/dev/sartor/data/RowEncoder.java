package dev.sartor.data;

import dev.sartor.data.EncodingOptions.TruncationMode;
import dev.sartor.io.FormatException;
import dev.sartor.text.ChatTemplate;
import dev.sartor.text.Tokenizer;
import dev.sartor.text.jinja.Rendered;
import dev.sartor.text.jinja.Rendered.Span;
import dev.sartor.text.jinja.TemplateException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Turns rows into samples as TRL's {@code SFTTrainer} does.
 *
 * <ul>
 * <li>{@code text}: the EOS token's text is appended unless the text ends with it; the tokenizer adds its special tokens;
 * all is learned.
 * <li>{@code prompt} and {@code completion} as strings: EOS is appended to the completion likewise; both are tokenized as
 * one text. With {@code completion_only_loss} (the default) learned is what comes behind the tokens in which it agrees with
 * the prompt tokenized alone. TRL skips as many tokens as the prompt alone has; the two differ only where a token reaches
 * over the boundary (a prompt that ends with a blank): TRL leaves that token out, here it is learned, and counted as
 * {@link Encoded#boundaryMerged}.
 * <li>conversations: rendered with the chat template and tokenized without adding special tokens (the template writes
 * them). All is learned; with {@code assistant_only_loss} only tokens that overlap what the template marks with
 * {@code {% generation %}}, or, if it has no marks, the turns that {@link AssistantTurns} finds, without blanks behind the
 * turn's last EOS. Given as {@code prompt} and {@code completion}, the prompt is everything up to and with the generation
 * prompt, and both conditions hold together.
 * </ul>
 *
 * Samples longer than {@code max_length} are cut.
 */
public final class RowEncoder {

    /**
     * A row as a sample.
     *
     * @param sample         after cutting; it may have nothing left to learn
     * @param cut            tokens that went by cutting
     * @param boundaryMerged whether a token reaches from the prompt into the completion
     * @param endless        parts that should end with an EOS token, so that the model learns to stop, and do not
     */
    public record Encoded(Sample sample, int cut, boolean boundaryMerged, int endless) {
    }

    private final Tokenizer tokenizer;
    private final Optional<ChatTemplate> template;
    private final EncodingOptions options;
    private final String eosText;
    private final Set<Integer> eosIds;

    /**
     * @param template what conversations are written with, usually {@link Tokenizer#chatTemplate()}
     */
    public RowEncoder(Tokenizer tokenizer, Optional<ChatTemplate> template, EncodingOptions options) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.options = options;
        this.eosText = tokenizer.specialTokens().texts().get("eos_token");
        this.eosIds = Set.copyOf(tokenizer.specialTokens().eosIds());
    }

    public EncodingOptions options() {
        return options;
    }

    /**
     * Encodes one row.
     *
     * @throws BadRow          if the row cannot be used
     * @throws FormatException if no row of its kind can: there is no chat template
     */
    Encoded encode(Row row) throws BadRow, FormatException {
        try {
            return switch (row) {
                case Row.Text text -> text(text);
                case Row.PromptCompletion pair -> promptCompletion(pair);
                case Row.Conversation conversation -> conversation(conversation);
            };
        } catch (IllegalArgumentException e) {
            throw new BadRow("", e.getMessage());
        } catch (TemplateException e) {
            throw new BadRow("messages", (e.raisedByTemplate() ? "refused by the chat template: " : "the chat template failed: ") + e.getMessage());
        }
    }

    private Encoded text(Row.Text row) throws BadRow {
        int[] ids = tokenizer.encode(withEos(row.text()), true);
        return finish(ids, ids.clone(), false, endsWithEos(ids) ? 0 : 1);
    }

    private Encoded promptCompletion(Row.PromptCompletion row) throws BadRow {
        int[] ids = tokenizer.encode(row.prompt() + withEos(row.completion()), true);
        int[] labels = ids.clone();
        boolean merged = false;
        if (options.completionOnlyLoss().orElse(true)) {
            merged = maskPrompt(tokenizer.encode(row.prompt(), true), ids, labels);
        }
        return finish(ids, labels, merged, endsWithEos(ids) ? 0 : 1);
    }

    private String withEos(String text) {
        return eosText == null || text.endsWith(eosText) ? text : text + eosText;
    }

    private boolean endsWithEos(int[] ids) {
        return ids.length > 0 && eosIds.contains(ids[ids.length - 1]);
    }

    /** Takes the labels from the tokens shared with the prompt; returns whether the prompt's last ones were not shared. */
    private static boolean maskPrompt(int[] prompt, int[] ids, int[] labels) {
        int mismatch = Arrays.mismatch(prompt, ids);
        int shared = mismatch < 0 ? ids.length : mismatch;
        Arrays.fill(labels, 0, shared, Sample.IGNORED);
        return shared < prompt.length;
    }

    private Encoded conversation(Row.Conversation row) throws BadRow, FormatException {
        ChatTemplate chat = template.orElseThrow(() -> new FormatException(row.place() + ": is a conversation, but "
                + tokenizer.directory() + " has no chat template; add one (chat_template.jinja, or chat_template in tokenizer_config.json), or use prompt and completion as strings"));
        Map<String, Object> variables = new HashMap<>(options.chatTemplateVariables());
        variables.putAll(row.variables());
        boolean marked = options.assistantOnlyLoss() && chat.marksGeneration(row.tools() != null);
        Rendered rendered = marked ? chat.renderMarked(row.messages(), row.tools(), variables)
                : new Rendered(chat.render(row.messages(), row.tools(), false, variables), List.of());
        Tokenizer.Encoding encoding = tokenizer.encodeWithPlaces(rendered.text(), false);
        int[] ids = encoding.ids();
        int[] labels = ids.clone();
        int endless = 0;
        if (options.assistantOnlyLoss()) {
            List<Span> turns = marked ? rendered.generation()
                    : new AssistantTurns(chat, row.tools(), variables).find(row.messages(), rendered.text());
            if (turns.isEmpty()) {
                throw new BadRow("messages", "nothing to learn with assistant_only_loss: the assistant says nothing");
            }
            BitSet learned = new BitSet();
            for (Span turn : turns) {
                endless += learn(turn, encoding, rendered.text(), !marked, learned) ? 0 : 1;
            }
            for (int i = 0; i < labels.length; i++) {
                labels[i] = learned.get(i) ? labels[i] : Sample.IGNORED;
            }
        } else {
            endless = Arrays.stream(ids).noneMatch(eosIds::contains) ? 1 : 0;
        }
        boolean merged = false;
        if (row.promptMessages() > 0 && options.completionOnlyLoss().orElse(true)) {
            merged = maskPrompt(promptIds(chat, row, variables), ids, labels);
        }
        return finish(ids, labels, merged, endless);
    }

    private int[] promptIds(ChatTemplate chat, Row.Conversation row, Map<String, ?> variables) {
        var prompt = tools.jackson.databind.node.JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < row.promptMessages(); i++) {
            prompt.add(row.messages().get(i));
        }
        return tokenizer.encode(chat.render(prompt, row.tools(), true, variables), false);
    }

    /** Marks the tokens of a turn as learned; returns whether an EOS token is among them. */
    private boolean learn(Span turn, Tokenizer.Encoding encoding, String text, boolean trim, BitSet learned) {
        int first = -1;
        int last = -1;
        int end = -1;
        for (int i = 0; i < encoding.ids().length; i++) {
            boolean overlaps = encoding.starts()[i] < turn.end() && encoding.ends()[i] > turn.start();
            if (overlaps) {
                first = first < 0 ? i : first;
                last = i;
                end = eosIds.contains(encoding.ids()[i]) ? i : end;
            }
        }
        if (first < 0) {
            return false;
        }
        if (trim && end >= 0 && text.substring(encoding.ends()[end], Math.max(encoding.ends()[end], turn.end())).isBlank()) {
            last = end;
        }
        learned.set(first, last + 1);
        return end >= 0;
    }

    private Encoded finish(int[] ids, int[] labels, boolean merged, int endless) throws BadRow {
        Sample sample = new Sample(ids, labels);
        if (sample.learned() == 0) {
            throw new BadRow("", "nothing to learn: its " + ids.length + (ids.length == 1 ? " token is" : " tokens are") + " all left out of the loss");
        }
        int limit = options.maxLength().orElse(Integer.MAX_VALUE);
        int cut = Math.max(0, ids.length - limit);
        if (cut > 0) {
            sample = options.truncationMode() == TruncationMode.KEEP_START ? sample.slice(0, limit) : sample.slice(cut, ids.length);
        }
        return new Encoded(sample, cut, merged, endless);
    }
}
