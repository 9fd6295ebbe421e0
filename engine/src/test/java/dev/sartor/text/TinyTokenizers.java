package dev.sartor.text;

import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Tokenizers small enough to be made on the spot. */
public final class TinyTokenizers {

    /** ChatML, with generation marks where asked. */
    public static String chatMl(boolean marked) {
        return "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}"
                + (marked ? "{% generation %}" : "") + "{{ m.content + '<|im_end|>' }}" + (marked ? "{% endgeneration %}" : "")
                + "{{ '\\n' }}{% else %}{{ m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
                + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    }

    private TinyTokenizers() {
    }

    /**
     * GPT-2 style: ids 0 to 255 are bytes (as the letters GPT-2 writes for them), 256 "he", 257 "ll", 258 "hell"; then the special
     * {@code <|endoftext|>} (259, padding), {@code <|im_start|>} (260), {@code <|im_end|>} (261, EOS).
     */
    public static void byteLevel(Path directory, String chatTemplate) throws IOException {
        ObjectNode root = root();
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE");
        ObjectNode vocab = model.putObject("vocab");
        int id = 0;
        int shifted = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
            vocab.put(Character.toString(printable ? b : shifted++), id++);
        }
        ArrayNode merges = model.putArray("merges");
        for (String[] merge : new String[][] {{"h", "e"}, {"l", "l"}, {"he", "ll"}}) {
            vocab.put(merge[0] + merge[1], id++);
            merges.add(merge[0] + " " + merge[1]);
        }
        root.set("pre_tokenizer", Json.parse("{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,\"use_regex\":true}", "test"));
        root.set("decoder", Json.parse("{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}", "test"));
        for (String token : List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>")) {
            added(root, token, id++);
        }
        Json.write(directory.resolve("tokenizer.json"), root);
        ObjectNode config = Json.object().put("pad_token", "<|endoftext|>").put("eos_token", "<|im_end|>");
        if (chatTemplate != null) {
            config.put("chat_template", chatTemplate);
        }
        Json.write(directory.resolve("tokenizer_config.json"), config);
    }

    /**
     * SentencePiece style: 0 {@code <unk>}, 1 {@code <s>} (added in front), 2 {@code </s>}, 3 to 258 the bytes, 259 the
     * blank, then the letters a to z (260 and on), then "▁a".
     */
    public static void sentencePiece(Path directory) throws IOException {
        ObjectNode root = root();
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE").put("unk_token", "<unk>").put("fuse_unk", true).put("byte_fallback", true);
        ObjectNode vocab = model.putObject("vocab");
        int id = 0;
        for (String token : List.of("<unk>", "<s>", "</s>")) {
            vocab.put(token, id);
            added(root, token, id++);
        }
        for (int b = 0; b < 256; b++) {
            vocab.put(String.format("<0x%02X>", b), id++);
        }
        vocab.put("▁", id++);
        for (char c = 'a'; c <= 'z'; c++) {
            vocab.put(String.valueOf(c), id++);
        }
        vocab.put("▁a", id);
        model.putArray("merges").add("▁ a");
        root.set("normalizer", Json.parse("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"▁\"},"
                + "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}]}", "test"));
        root.set("post_processor", Json.parse("{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},"
                + "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],"
                + "\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[1],\"tokens\":[\"<s>\"]}}}", "test"));
        root.set("decoder", Json.parse("{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},\"content\":\" \"},"
                + "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}", "test"));
        Json.write(directory.resolve("tokenizer.json"), root);
        Json.write(directory.resolve("special_tokens_map.json"), Json.parse(
                "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"</s>\",\"unk_token\":\"<unk>\"}", "test"));
    }

    private static ObjectNode root() {
        ObjectNode root = Json.object().put("version", "1.0");
        for (String absent : List.of("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder")) {
            root.putNull(absent);
        }
        root.putArray("added_tokens");
        return root;
    }

    private static void added(ObjectNode root, String content, int id) {
        ((ArrayNode) root.get("added_tokens")).addObject().put("id", id).put("content", content).put("single_word", false)
                .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
    }
}
