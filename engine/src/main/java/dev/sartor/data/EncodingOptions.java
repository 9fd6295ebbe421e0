package dev.sartor.data;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How rows become samples; the names are TRL's.
 *
 * @param maxLength           {@code max_length}: longer samples are cut; empty for no limit
 * @param truncationMode      {@code truncation_mode}
 * @param assistantOnlyLoss   {@code assistant_only_loss}: of conversations, only what the assistant says is learned
 * @param completionOnlyLoss  {@code completion_only_loss}: of prompt and completion, only the completion is learned; empty
 *                            for TRL's default, which is yes
 * @param chatTemplateVariables further variables for every conversation's template, such as {@code enable_thinking}
 */
public record EncodingOptions(OptionalInt maxLength, TruncationMode truncationMode, boolean assistantOnlyLoss,
        Optional<Boolean> completionOnlyLoss, Map<String, ?> chatTemplateVariables) {

    /** Which end of a sample that is too long stays. */
    public enum TruncationMode { KEEP_START, KEEP_END }

    /** No limit, no assistant-only loss, TRL's defaults for the rest. */
    public static final EncodingOptions DEFAULT = new EncodingOptions(OptionalInt.empty(), TruncationMode.KEEP_START, false, Optional.empty(), Map.of());

    public EncodingOptions {
        if (maxLength.isPresent() && maxLength.getAsInt() < 2) {
            throw new IllegalArgumentException("max_length must be at least 2, as the first token is never learned; found " + maxLength.getAsInt());
        }
        chatTemplateVariables = Map.copyOf(chatTemplateVariables);
    }

    public EncodingOptions withMaxLength(int tokens) {
        return new EncodingOptions(OptionalInt.of(tokens), truncationMode, assistantOnlyLoss, completionOnlyLoss, chatTemplateVariables);
    }

    public EncodingOptions withoutMaxLength() {
        return new EncodingOptions(OptionalInt.empty(), truncationMode, assistantOnlyLoss, completionOnlyLoss, chatTemplateVariables);
    }

    public EncodingOptions withTruncationMode(TruncationMode mode) {
        return new EncodingOptions(maxLength, mode, assistantOnlyLoss, completionOnlyLoss, chatTemplateVariables);
    }

    public EncodingOptions withAssistantOnlyLoss(boolean only) {
        return new EncodingOptions(maxLength, truncationMode, only, completionOnlyLoss, chatTemplateVariables);
    }

    public EncodingOptions withCompletionOnlyLoss(boolean only) {
        return new EncodingOptions(maxLength, truncationMode, assistantOnlyLoss, Optional.of(only), chatTemplateVariables);
    }

    public EncodingOptions withChatTemplateVariables(Map<String, ?> variables) {
        return new EncodingOptions(maxLength, truncationMode, assistantOnlyLoss, completionOnlyLoss, variables);
    }
}
