package dev.sartor.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON as the Hugging Face world writes it: read strictly (a duplicate key or anything after the value is an error, but
 * Python's {@code NaN} and {@code Infinity} are accepted), written with two spaces of indentation.
 */
public final class Json {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** As in {@code [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]}. */
    private static final Pattern SOURCE = Pattern.compile("\\[?Source: [^;\\]]*; |(?<=column: \\d{1,9})\\]");

    private static final ObjectWriter PRETTY = MAPPER.writer().with(pythonStyle());

    /** For one value among others, which are no trailing tokens. */
    private static final ObjectReader ELEMENT = MAPPER.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {
    }

    /** An empty object, to be filled and written. */
    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /**
     * Reads a JSON file of any kind.
     *
     * @throws FormatException naming file, line and column if it is not JSON or does not exist
     */
    public static JsonNode read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return MAPPER.readTree(in);
        } catch (JacksonException e) {
            throw new FormatException(file + describe(e), e);
        } catch (NoSuchFileException e) {
            throw new FormatException(file + ": no such file", e);
        }
    }

    /**
     * Reads a JSON file whose value must be an object.
     *
     * @throws FormatException naming the file and what it holds instead
     */
    public static ObjectNode readObject(Path file) throws IOException {
        JsonNode node = read(file);
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new FormatException(file + ": expected a JSON object, found " + kind(node));
    }

    /**
     * Parses one JSON value.
     *
     * @param text  the whole value
     * @param where what to call the place in an error, such as {@code train.jsonl:7}
     * @throws FormatException if the text is not exactly one JSON value
     */
    public static JsonNode parse(String text, String where) throws FormatException {
        try {
            JsonNode node = MAPPER.readTree(text);
            if (node.isMissingNode()) {
                throw new FormatException(where + ": expected JSON, found nothing");
            }
            return node;
        } catch (JacksonException e) {
            throw new FormatException(where + describe(e), e);
        }
    }

    /** Takes the elements of an array, one after another. */
    @FunctionalInterface
    public interface ElementVisitor {

        /** @param line line of the file on which the element begins, from one */
        void visit(JsonNode element, long line) throws IOException;
    }

    /**
     * Reads a file whose value is an array, an element at a time.
     *
     * @throws FormatException naming file, line and column if it is not JSON or not an array
     */
    public static void readArray(Path file, ElementVisitor visitor) throws IOException {
        try (InputStream in = Files.newInputStream(file); JsonParser parser = MAPPER.createParser(in)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                throw new FormatException(file + ": expected a JSON array");
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                long line = parser.currentTokenLocation().getLineNr();
                visitor.visit(ELEMENT.readTree(parser), line);
            }
            if (parser.nextToken() != null) {
                throw new FormatException(file + " (line " + parser.currentTokenLocation().getLineNr() + "): expected nothing after the array");
            }
        } catch (JacksonException e) {
            throw new FormatException(file + describe(e), e);
        }
    }

    /** The value on one line, with no spaces. */
    public static String compact(JsonNode node) {
        return MAPPER.writeValueAsString(node);
    }

    /** The value indented by two spaces, as Python's {@code json.dumps(indent=2)} lays it out. */
    public static String pretty(JsonNode node) {
        return PRETTY.writeValueAsString(node);
    }

    /** Writes a value beside its place and renames it in, ending with a newline. */
    public static void write(Path file, JsonNode node) throws IOException {
        AtomicFiles.write(file, (pretty(node) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** What a node is, in words for an error message. */
    public static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "an array";
            case OBJECT -> "an object";
            case STRING -> "a string";
            case NUMBER -> "a number";
            case BOOLEAN -> "a boolean";
            case NULL -> "null";
            default -> "nothing";
        };
    }

    private static String describe(JacksonException e) {
        var at = e.getLocation();
        String place = at == null || at.getLineNr() < 0 ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
        return place + ": not valid JSON: " + reason(e);
    }

    /** What a parser found wrong, without its remarks on where it reads from, which is nothing that a person named. */
    public static String reason(JacksonException e) {
        return SOURCE.matcher(e.getOriginalMessage()).replaceAll("");
    }

    private static DefaultPrettyPrinter pythonStyle() {
        Separators separators = Separators.createDefaultInstance()
                .withObjectNameValueSpacing(Separators.Spacing.AFTER)
                .withObjectEmptySeparator("")
                .withArrayEmptySeparator("");
        DefaultIndenter indent = new DefaultIndenter("  ", "\n");
        return new DefaultPrettyPrinter(separators).withObjectIndenter(indent).withArrayIndenter(indent);
    }
}
