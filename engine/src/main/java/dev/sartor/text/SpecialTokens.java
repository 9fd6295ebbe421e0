package dev.sartor.text;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * The tokens with a meaning, from {@code tokenizer_config.json}, then {@code special_tokens_map.json}, then the ids of
 * {@code generation_config.json} and {@code config.json}, whichever tells first. What ends a generation is the
 * tokenizer's {@code eos_token} and every {@code eos_token_id} of the generation configuration together.
 *
 * @param texts  {@code bos_token}, {@code eos_token} and so on to their text, those that are set
 * @param bos    id of the token that begins a text
 * @param eos    id of the token that ends a text, appended in training
 * @param eosIds all ids that end a generation, {@code eos} first
 * @param pad    id of the padding token
 * @param unk    id of the unknown token
 */
public record SpecialTokens(Map<String, String> texts, OptionalInt bos, OptionalInt eos, List<Integer> eosIds, OptionalInt pad,
        OptionalInt unk) {

    private static final List<String> KINDS = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    /** Looks up a token's id. */
    interface Vocabulary {
        OptionalInt id(String token);

        Optional<String> token(int id);
    }

    static SpecialTokens read(Path directory, Vocabulary vocabulary) throws IOException {
        Map<String, String> texts = new LinkedHashMap<>();
        for (String file : List.of("tokenizer_config.json", "special_tokens_map.json")) {
            Path path = directory.resolve(file);
            if (Files.exists(path)) {
                JsonNode root = Json.readObject(path);
                for (String kind : KINDS) {
                    JsonNode node = root.path(kind).isObject() ? root.path(kind).path("content") : root.path(kind);
                    if (node.isString()) {
                        texts.putIfAbsent(kind, node.stringValue());
                    } else if (!node.isNull() && !node.isMissingNode()) {
                        throw new FormatException(path + ": " + kind + ": expected a string or an object with content, found " + Json.kind(node));
                    }
                }
            }
        }
        Map<String, Integer> added = added(directory.resolve("tokenizer_config.json"));
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (Map.Entry<String, String> each : texts.entrySet()) {
            OptionalInt known = vocabulary.id(each.getValue());
            int id = (known.isPresent() ? known : optional(added.get(each.getValue()))).orElseThrow(() -> new FormatException(directory + ": " + each.getKey()
                    + " '" + each.getValue() + "' is not in the vocabulary of tokenizer.json, nor in added_tokens_decoder of tokenizer_config.json"));
            ids.put(each.getKey(), id);
        }
        Set<Integer> ends = new LinkedHashSet<>();
        if (ids.containsKey("eos_token")) {
            ends.add(ids.get("eos_token"));
        }
        for (String file : List.of("generation_config.json", "config.json")) {
            Path path = directory.resolve(file);
            if (!Files.exists(path)) {
                continue;
            }
            JsonNode root = Json.readObject(path);
            List<Integer> eos = idList(path, root.path("eos_token_id"));
            if (file.equals("generation_config.json") || ends.isEmpty()) {
                ends.addAll(eos);
            }
            for (String kind : List.of("bos_token", "eos_token", "pad_token")) {
                List<Integer> found = idList(path, root.path(kind + "_id"));
                if (!found.isEmpty() && !ids.containsKey(kind)) {
                    ids.put(kind, found.getFirst());
                    vocabulary.token(found.getFirst()).ifPresent(text -> texts.put(kind, text));
                }
            }
        }
        return new SpecialTokens(java.util.Collections.unmodifiableMap(texts), optional(ids.get("bos_token")), optional(ids.get("eos_token")),
                List.copyOf(ends), optional(ids.get("pad_token")), optional(ids.get("unk_token")));
    }

    /** Ids of {@code added_tokens_decoder}, which may have tokens that tokenizer.json lacks, by their text. */
    private static Map<String, Integer> added(Path file) throws IOException {
        Map<String, Integer> ids = new LinkedHashMap<>();
        if (Files.exists(file)) {
            for (Map.Entry<String, JsonNode> each : Json.readObject(file).path("added_tokens_decoder").properties()) {
                JsonNode content = each.getValue().path("content");
                if (!each.getKey().matches("\\d{1,9}") || !content.isString()) {
                    throw new FormatException(file + ": added_tokens_decoder: expected ids with an object that has content, found '"
                            + each.getKey() + "': " + each.getValue());
                }
                ids.put(content.stringValue(), Integer.valueOf(each.getKey()));
            }
        }
        return ids;
    }

    private static OptionalInt optional(Integer id) {
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    private static List<Integer> idList(Path path, JsonNode node) throws FormatException {
        List<Integer> ids = new ArrayList<>();
        for (JsonNode each : node.isArray() ? node : node.isNull() || node.isMissingNode() ? List.<JsonNode>of() : List.of(node)) {
            if (!each.isInt() || each.intValue() < 0) {
                throw new FormatException(path + ": a token id must be a non-negative integer, found " + each);
            }
            ids.add(each.intValue());
        }
        return ids;
    }
}
