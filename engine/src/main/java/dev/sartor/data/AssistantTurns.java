package dev.sartor.data;

import dev.sartor.text.ChatTemplate;
import dev.sartor.text.jinja.Rendered.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Finds what the assistant says in a rendered conversation when the chat template does not mark it, by rendering
 * beginnings of the conversation and comparing texts.
 *
 * <p>The turn of message i starts where the whole conversation's text leaves that of the messages before i rendered with
 * the generation prompt: what the model is given when it is asked to answer, role header and all, is not learned. It ends
 * where the messages up to and with i end. Where a template writes a turn otherwise once the conversation has gone on
 * (Qwen3 drops earlier thoughts), the end is found as the longest ending of the turn rendered last with which the whole
 * text goes on from the start. If texts do not fit even so, the row is refused: nothing is guessed.
 */
final class AssistantTurns {

    private final ChatTemplate template;
    private final JsonNode tools;
    private final Map<String, ?> variables;

    AssistantTurns(ChatTemplate template, JsonNode tools, Map<String, ?> variables) {
        this.template = template;
        this.tools = tools;
        this.variables = variables;
    }

    /**
     * @param messages the conversation
     * @param whole    its text
     * @return one span of {@code whole} for each message of the role assistant
     */
    List<Span> find(JsonNode messages, String whole) throws BadRow {
        List<Span> turns = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).path("role").asString("").equals("assistant")) {
                turns.add(turn(messages, i, whole));
            }
        }
        return turns;
    }

    private Span turn(JsonNode messages, int i, String whole) throws BadRow {
        String before = i == 0 ? "" : render(messages, i, false);
        String asked = render(messages, i, true);
        int start = commonPrefix(whole, asked);
        if (!whole.startsWith(before) || start < before.length()) {
            throw unknown(i);
        }
        if (i == messages.size() - 1) {
            return new Span(start, whole.length());
        }
        String through = render(messages, i + 1, false);
        if (whole.startsWith(through) && through.length() >= start) {
            return new Span(start, through.length());
        }
        String turn = through.substring(commonPrefix(through, asked));
        int length = overlap(turn, whole.substring(start));
        if (whole.substring(start, start + length).isBlank()) {
            throw unknown(i);
        }
        return new Span(start, start + length);
    }

    private String render(JsonNode messages, int count, boolean addGenerationPrompt) {
        ArrayNode some = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < count; i++) {
            some.add(messages.get(i));
        }
        return template.render(some, tools, addGenerationPrompt, variables);
    }

    private static BadRow unknown(int i) {
        return new BadRow("messages[" + i + "]", "the chat template writes the beginning of this conversation otherwise when it"
                + " goes on, so what the assistant says cannot be told apart; use a template that marks it with"
                + " {% generation %}, or set assistant_only_loss=false");
    }

    private static int commonPrefix(String a, String b) {
        int n = Math.min(a.length(), b.length());
        int i = 0;
        while (i < n && a.charAt(i) == b.charAt(i)) {
            i++;
        }
        return i;
    }

    /** Length of the longest ending of {@code a} that {@code b} begins with (Knuth, Morris and Pratt's failure function). */
    static int overlap(String a, String b) {
        String head = b.substring(0, Math.min(a.length(), b.length()));
        int[] fail = new int[head.length() + 1];
        fail[0] = -1;
        for (int i = 0, k = -1; i < head.length(); ) {
            while (k >= 0 && head.charAt(i) != head.charAt(k)) {
                k = fail[k];
            }
            fail[++i] = ++k;
        }
        int matched = 0;
        for (int i = 0; i < a.length(); i++) {
            while (matched >= 0 && (matched == head.length() || a.charAt(i) != head.charAt(matched))) {
                matched = fail[matched];
            }
            matched++;
        }
        return matched;
    }
}
