package dev.sartor.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The quickstart tokenizer's files in Hugging Face form: {@code tokenizer.json} and {@code tokenizer_config.json}.
 * Run as {@code java -cp CLASSES dev.sartor.quickstart.Tokenizer OUT_DIR}.
 */
public final class Tokenizer {
    private Tokenizer() {}

    public static final String PAD = "<|pad|>", BEGIN = "<|begin|>", END = "<|end|>", USER = "<|user|>", ASSISTANT = "<|assistant|>";
    public static final List<String> SPECIAL = List.of(PAD, BEGIN, END, USER, ASSISTANT);
    public static final int SIZE = 2048;

    /** A question, then the answer and the end token; a conversation begins like a document of the corpus. */
    public static final String CHAT_TEMPLATE = "{{ bos_token }}{% for message in messages %}"
        + "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + eos_token }}"
        + "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

    /** Trained on the corpus' first documents and on the instruction set, whose phrasings the corpus lacks. */
    public static BpeTrainer.Vocabulary train() {
        BpeTrainer trainer = new BpeTrainer();
        Corpus.generate(Corpus.SEED, 4000, trainer::add);
        for (Row row : Instructions.generate(Instructions.SEED).train()) {
            trainer.add(row.question());
            trainer.add(row.answer());
        }
        return trainer.train(SIZE, SPECIAL);
    }

    /** The text of {@code tokenizer.json}. */
    public static String json(BpeTrainer.Vocabulary v) {
        StringBuilder s = new StringBuilder("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [\n");
        for (int i = 0; i < v.special().size(); i++) {
            s.append("    {\"id\": ").append(i).append(", \"content\": ").append(Json.quote(v.special().get(i)))
                .append(", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": true}")
                .append(i + 1 < v.special().size() ? ",\n" : "\n");
        }
        s.append("  ],\n  \"normalizer\": null,\n")
            .append("  \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true},\n")
            .append("  \"post_processor\": null,\n")
            .append("  \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true},\n")
            .append("  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n    \"continuing_subword_prefix\": null,\n")
            .append("    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n    \"byte_fallback\": false,\n    \"ignore_merges\": false,\n    \"vocab\": {\n");
        for (int i = 0; i < v.tokens().size(); i++) {
            s.append("      ").append(Json.quote(v.tokens().get(i))).append(": ").append(i).append(i + 1 < v.tokens().size() ? ",\n" : "\n");
        }
        s.append("    },\n    \"merges\": [\n");
        for (int i = 0; i < v.merges().size(); i++) {
            // A visible byte string holds no blank, so "left right" is unambiguous and read by every version.
            s.append("      ").append(Json.quote(v.merges().get(i).left() + " " + v.merges().get(i).right())).append(i + 1 < v.merges().size() ? ",\n" : "\n");
        }
        return s.append("    ]\n  }\n}\n").toString();
    }

    /** The text of {@code tokenizer_config.json}. */
    public static String configJson() {
        return "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"bos_token\": " + Json.quote(BEGIN) + ",\n  \"eos_token\": " + Json.quote(END)
            + ",\n  \"pad_token\": " + Json.quote(PAD) + ",\n  \"add_bos_token\": false,\n  \"add_eos_token\": false,\n  \"clean_up_tokenization_spaces\": false,\n  \"model_max_length\": 512,\n  \"chat_template\": "
            + Json.quote(CHAT_TEMPLATE) + "\n}\n";
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            System.err.println("usage: Tokenizer OUT_DIR");
            System.exit(2);
        }
        Path dir = Files.createDirectories(Path.of(args[0]));
        Files.writeString(dir.resolve("tokenizer.json"), json(train()), StandardCharsets.UTF_8);
        Files.writeString(dir.resolve("tokenizer_config.json"), configJson(), StandardCharsets.UTF_8);
    }
}
