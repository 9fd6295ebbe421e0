package dev.sartor.io;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The README.md of a saved adapter, with the front matter by which the Hugging Face hub finds its base model.
 *
 * @param baseModel the base model's name or path as it stands in the adapter's configuration
 * @param tags      such as {@code lora}
 * @param facts     what to tell of the training, label to value, in order
 */
public record ModelCard(String baseModel, List<String> tags, Map<String, String> facts) {

    public ModelCard {
        tags = List.copyOf(tags);
        facts = new LinkedHashMap<>(facts);
    }

    /** The whole file. */
    public String text() {
        StringBuilder text = new StringBuilder("---\n");
        text.append("base_model: ").append(quoted(baseModel)).append('\n');
        text.append("library_name: peft\n");
        text.append("pipeline_tag: text-generation\n");
        text.append("tags:\n");
        text.append("- ").append(quoted("base_model:adapter:" + baseModel)).append('\n');
        for (String tag : tags) {
            text.append("- ").append(quoted(tag)).append('\n');
        }
        text.append("---\n\n# Adapter for ").append(baseModel).append("\n\n");
        text.append("Trained with Sartor and stored in PEFT's format. In Python:\n\n```python\n");
        text.append("from peft import AutoPeftModelForCausalLM\n");
        text.append("model = AutoPeftModelForCausalLM.from_pretrained(\"path/to/this/directory\")\n```\n");
        if (!facts.isEmpty()) {
            text.append("\n| | |\n|---|---|\n");
            facts.forEach((label, value) -> text.append("| ").append(cell(label)).append(" | ").append(cell(value)).append(" |\n"));
        }
        return text.toString();
    }

    private static String cell(String value) {
        return value.replace("|", "\\|").replace("\n", " ");
    }

    private static String quoted(String value) {
        return value.matches("[A-Za-z0-9_][A-Za-z0-9_./-]*") ? value : "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
