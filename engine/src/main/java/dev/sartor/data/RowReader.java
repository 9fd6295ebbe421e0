package dev.sartor.data;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads rows from JSON files: one object a line (JSONL, NDJSON), or one array of objects; which of the two is seen from
 * the first character. The columns are TRL's: {@code messages} (with {@code tools} and {@code chat_template_kwargs}),
 * {@code prompt} and {@code completion} (strings, or arrays of messages), or {@code text}; other columns are left alone.
 */
public final class RowReader {

    /**
     * What a file held.
     *
     * @param rows     the rows that can be used
     * @param problems the others
     */
    public record Result(List<Row> rows, List<DataProblem> problems) {
    }

    private final String textField;
    private final List<Row> rows = new ArrayList<>();
    private final List<DataProblem> problems = new ArrayList<>();
    /** Of an array, so far. */
    private long elements;

    private RowReader(String textField) {
        this.textField = textField;
    }

    /**
     * Reads a file whole.
     *
     * @param textField the column of plain text, {@code text} in TRL ({@code dataset_text_field})
     * @throws FormatException if the file does not exist, is not UTF-8, or is an array broken in the middle
     */
    public static Result read(Path file, String textField) throws IOException {
        RowReader reader = new RowReader(textField);
        try {
            if (beginsWithArray(file)) {
                Json.readArray(file, (element, line) -> reader.take(new Row.Place(file, line, ++reader.elements), element));
            } else {
                reader.lines(file);
            }
        } catch (NoSuchFileException e) {
            throw new FormatException(file + ": no such file", e);
        }
        return new Result(List.copyOf(reader.rows), List.copyOf(reader.problems));
    }

    private static boolean beginsWithArray(Path file) throws IOException {
        try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            int c = in.read();
            while (c == '\ufeff' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
                c = in.read();
            }
            return c == '[';
        } catch (CharacterCodingException e) {
            throw new FormatException(file + ": not UTF-8 text; expected JSON Lines or a JSON array", e);
        }
    }

    private void lines(Path file) throws IOException {
        long number = 0;
        try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                String json = number == 1 && line.startsWith("\ufeff") ? line.substring(1) : line;
                if (json.isBlank()) {
                    continue;
                }
                Row.Place place = new Row.Place(file, number, 0);
                try {
                    take(place, Json.parse(json, "row"));
                } catch (FormatException e) {
                    problems.add(new DataProblem(place, "", e.getMessage().replaceFirst("^row( \\(line 1, (column \\d+)\\))?: ", "$2 ").strip()));
                }
            }
        } catch (CharacterCodingException e) {
            throw new FormatException(file + ":" + (number + 1) + ": not UTF-8 text (somewhere in the lines that follow)", e);
        }
    }

    private void take(Row.Place place, JsonNode node) {
        try {
            rows.add(row(place, node));
        } catch (BadRow bad) {
            problems.add(bad.at(place));
        }
    }

    private Row row(Row.Place place, JsonNode node) throws BadRow {
        if (!(node instanceof ObjectNode object)) {
            throw new BadRow("", "expected a JSON object, found " + Json.kind(node));
        }
        if (object.has("messages")) {
            JsonNode messages = messages("messages", object.get("messages"));
            return new Row.Conversation(place, messages, 0, tools(object), variables(object));
        }
        if (object.has("prompt") || object.has("completion")) {
            JsonNode prompt = present(object, "prompt");
            JsonNode completion = present(object, "completion");
            if (prompt.isArray() || completion.isArray()) {
                ArrayNode joined = messages("prompt", prompt).deepCopy();
                int promptMessages = joined.size();
                joined.addAll(messages("completion", completion));
                return new Row.Conversation(place, joined, promptMessages, tools(object), variables(object));
            }
            return new Row.PromptCompletion(place, string("prompt", prompt), string("completion", completion));
        }
        if (object.has(textField)) {
            return new Row.Text(place, string(textField, object.get(textField)));
        }
        List<String> columns = List.copyOf(object.propertyNames());
        throw new BadRow("", "expected the column messages, prompt and completion, or " + textField + ", found " + columns
                + (columns.contains("instruction") ? "; rename instruction to prompt and output to completion"
                        : columns.contains("conversations") ? "; rename conversations to messages, from to role, value to content" : ""));
    }

    private static JsonNode present(ObjectNode row, String field) throws BadRow {
        if (!row.has(field)) {
            throw new BadRow(field, "missing; prompt and completion go together");
        }
        return row.get(field);
    }

    private static String string(String field, JsonNode node) throws BadRow {
        if (!node.isString()) {
            throw new BadRow(field, "expected a string, found " + Json.kind(node));
        }
        return node.stringValue();
    }

    private static ArrayNode messages(String field, JsonNode node) throws BadRow {
        if (!(node instanceof ArrayNode messages)) {
            throw new BadRow(field, "expected an array of messages, found " + Json.kind(node));
        }
        if (messages.isEmpty()) {
            throw new BadRow(field, "expected at least one message, found none");
        }
        for (int i = 0; i < messages.size(); i++) {
            JsonNode message = messages.get(i);
            String at = field + "[" + i + "]";
            if (!message.isObject()) {
                throw new BadRow(at, "expected an object with role and content, found " + Json.kind(message));
            }
            if (!message.path("role").isString()) {
                throw new BadRow(at + ".role", "expected a string, found " + Json.kind(message.path("role")));
            }
            JsonNode content = message.path("content");
            boolean calls = message.path("tool_calls").isArray() && !message.path("tool_calls").isEmpty();
            if (!content.isString() && !content.isArray() && !(calls && (content.isNull() || content.isMissingNode()))) {
                throw new BadRow(at + ".content", "expected a string, found " + Json.kind(content));
            }
        }
        return messages;
    }

    private static JsonNode tools(ObjectNode row) throws BadRow {
        JsonNode tools = row.path("tools");
        if (tools.isString()) {
            try {
                tools = Json.parse(tools.stringValue(), "tools");
            } catch (FormatException e) {
                throw new BadRow("tools", "a string that is " + e.getMessage().replaceFirst("^.*?: (?=not valid)", ""));
            }
        }
        if (tools.isMissingNode() || tools.isNull() || tools.isArray() && tools.isEmpty()) {
            return null;
        }
        if (!tools.isArray()) {
            throw new BadRow("tools", "expected an array of tool descriptions, found " + Json.kind(tools));
        }
        return tools;
    }

    private static Map<String, JsonNode> variables(ObjectNode row) throws BadRow {
        JsonNode node = row.path("chat_template_kwargs");
        if (node.isMissingNode() || node.isNull()) {
            return Map.of();
        }
        if (!node.isObject()) {
            throw new BadRow("chat_template_kwargs", "expected an object, found " + Json.kind(node));
        }
        Map<String, JsonNode> variables = new HashMap<>();
        node.properties().forEach(e -> variables.put(e.getKey(), e.getValue()));
        return variables;
    }
}
