package dev.sartor.text;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.text.jinja.Rendered;
import dev.sartor.text.jinja.Template;
import dev.sartor.text.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * How a model wants its conversations written. Rendered as {@code apply_chat_template} of Transformers does, with the
 * variables {@code messages}, {@code tools}, {@code documents}, {@code add_generation_prompt}, the special tokens
 * ({@code bos_token} and so on) and what the caller adds.
 */
public final class ChatTemplate {

    private final Map<String, Template> templates;
    private final Map<String, String> specialTokens;

    private ChatTemplate(Map<String, Template> templates, Map<String, String> specialTokens) {
        this.templates = templates;
        this.specialTokens = specialTokens;
    }

    /**
     * A template given as text, as {@code chat_template} in a recipe.
     *
     * @param name          how errors call it, such as a file's path
     * @param specialTokens {@code bos_token} and so on to their text
     * @throws TemplateException naming the line of what is not supported
     */
    public static ChatTemplate of(String source, String name, Map<String, String> specialTokens) {
        return new ChatTemplate(Map.of("default", Template.compile(source, name)), Map.copyOf(specialTokens));
    }

    /** Reads {@code chat_template.jinja}, else {@code chat_template.json}, else {@code tokenizer_config.json}. */
    static Optional<ChatTemplate> read(Path directory, Map<String, String> specialTokens) throws IOException {
        Path jinja = directory.resolve("chat_template.jinja");
        Map<String, Template> templates = new LinkedHashMap<>();
        if (Files.exists(jinja)) {
            templates.put("default", compile(Files.readString(jinja), jinja.toString()));
        } else {
            for (String name : new String[] {"chat_template.json", "tokenizer_config.json"}) {
                Path file = directory.resolve(name);
                if (templates.isEmpty() && Files.exists(file)) {
                    fromJson(file, Json.readObject(file).path("chat_template"), templates);
                }
            }
        }
        if (!templates.isEmpty() && !templates.containsKey("default")) {
            throw new FormatException(directory + ": none of its chat templates " + templates.keySet() + " is named 'default'");
        }
        return templates.isEmpty() ? Optional.empty() : Optional.of(new ChatTemplate(templates, specialTokens));
    }

    private static void fromJson(Path file, JsonNode node, Map<String, Template> templates) throws FormatException {
        String where = file + " (chat_template)";
        switch (node.getNodeType()) {
            case MISSING, NULL -> { }
            case STRING -> templates.put("default", compile(node.stringValue(), where));
            case ARRAY -> {
                for (JsonNode each : node) {
                    if (!each.path("name").isString() || !each.path("template").isString()) {
                        throw new FormatException(where + ": expected objects with name and template, found " + each);
                    }
                    String name = each.path("name").stringValue();
                    templates.put(name, compile(each.path("template").stringValue(), where + " " + name));
                }
            }
            default -> throw new FormatException(where + ": expected a string or an array, found " + Json.kind(node));
        }
    }

    private static Template compile(String source, String name) throws FormatException {
        try {
            return Template.compile(source, name);
        } catch (TemplateException e) {
            throw new FormatException(e.getMessage(), e);
        }
    }

    /** Whether it marks what the assistant says, for assistant-only loss, with {@code {% generation %}}. */
    public boolean marksGeneration(boolean withTools) {
        return chosen(withTools).marksGeneration();
    }

    /**
     * Writes a conversation.
     *
     * @param messages            an array of messages
     * @param tools               an array of tool descriptions, or null
     * @param addGenerationPrompt whether to end with what makes the model answer
     * @param more                further variables, such as {@code enable_thinking}
     * @throws TemplateException if the template refuses the messages or cannot handle them, naming its line
     */
    public String render(JsonNode messages, JsonNode tools, boolean addGenerationPrompt, Map<String, ?> more) {
        return chosen(present(tools)).render(variables(messages, tools, addGenerationPrompt, more));
    }

    /** As {@link #render}, telling also where the assistant speaks if the template {@link #marksGeneration marks} it. */
    public Rendered renderMarked(JsonNode messages, JsonNode tools, Map<String, ?> more) {
        return chosen(present(tools)).renderMarked(variables(messages, tools, false, more));
    }

    private Map<String, Object> variables(JsonNode messages, JsonNode tools, boolean addGenerationPrompt, Map<String, ?> more) {
        Map<String, Object> variables = new HashMap<>(specialTokens);
        variables.putAll(more);
        variables.put("messages", messages);
        variables.put("tools", tools);
        variables.put("documents", null);
        variables.put("add_generation_prompt", addGenerationPrompt);
        return variables;
    }

    private Template chosen(boolean withTools) {
        if (withTools && templates.containsKey("tool_use")) {
            return templates.get("tool_use");
        }
        return templates.get("default");
    }

    private static boolean present(JsonNode tools) {
        return tools != null && !tools.isNull() && !tools.isMissingNode();
    }
}
