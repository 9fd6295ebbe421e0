package dev.sartor.data;

import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** One row of a data file, its columns checked, not yet tokenized. */
public sealed interface Row {

    /** Where it stands. */
    Place place();

    /**
     * @param file the data file
     * @param line the line on which the row begins, from one
     * @param element its number in the file's array, from one; 0 where the file has a row a line
     */
    record Place(Path file, long line, long element) {
        @Override
        public String toString() {
            return file + ":" + line + (element == 0 ? "" : " (row " + element + ")");
        }
    }

    /** {@code text}: all of it is learned. */
    record Text(Place place, String text) implements Row {
    }

    /** {@code prompt} and {@code completion} as strings. */
    record PromptCompletion(Place place, String prompt, String completion) implements Row {
    }

    /**
     * {@code messages}; or {@code prompt} and {@code completion} as messages, joined.
     *
     * @param messages       an array of objects with {@code role}
     * @param promptMessages how many of them are the prompt; 0 for {@code messages}
     * @param tools          an array of tool descriptions, or null
     * @param variables      {@code chat_template_kwargs} of the row, empty if it has none
     */
    record Conversation(Place place, JsonNode messages, int promptMessages, JsonNode tools, Map<String, JsonNode> variables) implements Row {
    }
}
