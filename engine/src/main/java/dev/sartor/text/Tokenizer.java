package dev.sartor.text;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model's tokenizer, read from its directory: {@code tokenizer.json} with the special tokens and the chat template
 * beside it. Nothing is fetched from anywhere. Which special tokens an encoding adds is decided by the post-processor in
 * {@code tokenizer.json}.
 *
 * <p>Safe for use by several threads until closed.
 */
public final class Tokenizer implements AutoCloseable {

    private final Path directory;
    private final NativeTokenizer tokenizer;
    private final Map<String, Integer> vocabulary;
    private final Map<Integer, String> byId;
    private final Set<Integer> specialIds;
    private final int vocabularySize;
    private final SpecialTokens specialTokens;
    private final Optional<ChatTemplate> chatTemplate;

    private Tokenizer(Path directory) throws IOException {
        this.directory = directory;
        Path file = directory.resolve("tokenizer.json");
        if (!Files.exists(file)) {
            throw new FormatException(directory + ": expected tokenizer.json in this directory" + remedy(directory));
        }
        byte[] bytes = Files.readAllBytes(file);
        ObjectNode root = asObject(Json.parse(new String(bytes, StandardCharsets.UTF_8), file.toString()), file);
        this.vocabulary = vocabulary(root);
        this.byId = new HashMap<>();
        vocabulary.forEach((token, id) -> byId.put(id, token));
        this.specialIds = new HashSet<>();
        for (JsonNode added : root.path("added_tokens")) {
            if (added.path("special").asBoolean(false)) {
                specialIds.add(added.path("id").intValue());
            }
        }
        this.vocabularySize = byId.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        this.specialTokens = SpecialTokens.read(directory, new SpecialTokens.Vocabulary() {
            @Override
            public OptionalInt id(String token) {
                return Tokenizer.this.id(token);
            }

            @Override
            public Optional<String> token(int id) {
                return Tokenizer.this.token(id);
            }
        });
        this.chatTemplate = ChatTemplate.read(directory, specialTokens.texts());
        this.tokenizer = NativeTokenizer.of(bytes, file);
    }

    /**
     * Opens the tokenizer of a model directory.
     *
     * @throws FormatException if tokenizer.json is missing (with the way to make one) or broken, a special token is not in
     *     the vocabulary, or a configuration beside it is wrong
     */
    public static Tokenizer open(Path modelDirectory) throws IOException {
        return new Tokenizer(modelDirectory);
    }

    private static String remedy(Path directory) {
        for (String slow : new String[] {"tokenizer.model", "spiece.model", "vocab.json"}) {
            if (Files.exists(directory.resolve(slow))) {
                return "; " + slow + " is there: make tokenizer.json from it with `python -c \"from transformers import AutoTokenizer as T;"
                        + " T.from_pretrained('" + directory + "').save_pretrained('" + directory + "')\"`";
            }
        }
        return "; fetch it from the model's repository";
    }

    private static ObjectNode asObject(JsonNode node, Path file) throws FormatException {
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new FormatException(file + ": expected a JSON object, found " + Json.kind(node));
    }

    private static Map<String, Integer> vocabulary(ObjectNode root) {
        Map<String, Integer> vocabulary = new HashMap<>();
        JsonNode vocab = root.path("model").path("vocab");
        if (vocab.isObject()) {
            vocab.properties().forEach(e -> vocabulary.put(e.getKey(), e.getValue().intValue()));
        } else if (vocab.isArray()) {
            int id = 0;
            for (JsonNode piece : vocab) {
                vocabulary.put(piece.path(0).asString(""), id++);
            }
        }
        for (JsonNode added : root.path("added_tokens")) {
            vocabulary.put(added.path("content").asString(""), added.path("id").intValue());
        }
        return vocabulary;
    }

    /** The model directory it was read from. */
    public Path directory() {
        return directory;
    }

    /**
     * A text's token ids.
     *
     * @param addSpecialTokens whether to add what the post-processor adds, such as a leading BOS
     * @throws IllegalArgumentException if the text has half a surrogate pair, which no encoding can express
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        requireWholeCharacters(text);
        return tokenizer.encode(text, addSpecialTokens, false).ids();
    }

    /**
     * A text's tokens with their places.
     *
     * @param ids    token ids
     * @param starts UTF-16 index in the text of each token's first character
     * @param ends   UTF-16 index after its last; equal to its start for a token that stands for no text. Tokens that are
     *               parts of one character share its range.
     */
    public record Encoding(int[] ids, int[] starts, int[] ends) {
    }

    /** As {@link #encode}, with the place of each token in the text. */
    public Encoding encodeWithPlaces(String text, boolean addSpecialTokens) {
        requireWholeCharacters(text);
        NativeTokenizer.Encoded encoded = tokenizer.encode(text, addSpecialTokens, true);
        int[] utf16 = utf16Offsets(text);
        int[] starts = new int[encoded.ids().length];
        int[] ends = new int[starts.length];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = utf16[encoded.codePoints()[2 * i]];
            ends[i] = utf16[encoded.codePoints()[2 * i + 1]];
        }
        return new Encoding(encoded.ids(), starts, ends);
    }

    /** UTF-16 index of each code point, and of the text's end. */
    private static int[] utf16Offsets(String text) {
        int[] offsets = new int[text.codePointCount(0, text.length()) + 1];
        int at = 0;
        for (int i = 0; i < offsets.length - 1; i++) {
            offsets[i] = at;
            at += Character.charCount(text.codePointAt(at));
        }
        offsets[offsets.length - 1] = at;
        return offsets;
    }

    private static void requireWholeCharacters(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
                    i++;
                } else {
                    throw new IllegalArgumentException("the text has half a surrogate pair (\\u"
                            + Integer.toHexString(text.charAt(i)) + ") at character " + i + "; it is not valid Unicode");
                }
            }
        }
    }

    /** The text of token ids; ids outside the vocabulary stand for nothing, as in Transformers. */
    public String decode(int[] ids, boolean skipSpecialTokens) {
        return tokenizer.decode(ids, 0, ids.length, skipSpecialTokens);
    }

    String decode(int[] ids, int from, int to, boolean skipSpecialTokens) {
        return tokenizer.decode(ids, from, to, skipSpecialTokens);
    }

    /** A decoder that takes one token after another and gives out text as it becomes certain. */
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        return new StreamDecoder(this, skipSpecialTokens);
    }

    /** A token's id, if the vocabulary has it, as it is written in tokenizer.json. */
    public OptionalInt id(String token) {
        Integer id = vocabulary.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** A token as it is written in tokenizer.json. */
    public Optional<String> token(int id) {
        return Optional.ofNullable(byId.get(id));
    }

    /** Whether decoding leaves this token out when special tokens are skipped. */
    public boolean isSpecial(int id) {
        return specialIds.contains(id);
    }

    /** One more than the largest id; a model's embedding may have more rows. */
    public int vocabularySize() {
        return vocabularySize;
    }

    public SpecialTokens specialTokens() {
        return specialTokens;
    }

    /** The model's chat template, if it has one. */
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplate;
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
