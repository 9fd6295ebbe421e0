package dev.sartor.train;

import dev.sartor.optim.AdamW;
import dev.sartor.optim.OptimizerSettings;
import dev.sartor.optim.Trained;
import java.nio.file.Path;
import java.util.List;

/**
 * How gradients become steps.
 *
 * @param settings the method
 * @param loraplusLrRatio LoRA+ (Hayou et al. 2024): the learning rate of adapters' B matrices and of
 *     vectors is this many times the others'; 1 for plain LoRA
 * @param stateDirectory where the file lies that the optimizer's state is mapped from; null: in memory
 */
public record OptimizerArguments(OptimizerSettings settings, double loraplusLrRatio, Path stateDirectory) {
    public OptimizerArguments {
        OptimizerSettings.require(loraplusLrRatio > 0 && Double.isFinite(loraplusLrRatio), "loraplus_lr_ratio", "above 0",
                loraplusLrRatio);
    }

    public static OptimizerArguments of(OptimizerSettings settings) {
        return new OptimizerArguments(settings, 1, null);
    }

    /** AdamW with PyTorch's numbers. */
    public static OptimizerArguments defaults() {
        return of(AdamW.Settings.defaults());
    }

    /**
     * The tensors with their learning rates.
     *
     * @throws IllegalArgumentException if LoRA+ is asked for and there is no LoRA
     */
    List<Trained> rated(List<Trained> trained) {
        if (loraplusLrRatio == 1) {
            return trained;
        }
        OptimizerSettings.require(trained.stream().anyMatch(each -> each.role() == Trained.Role.LORA_B), "loraplus_lr_ratio",
                "a LoRA adapter to be trained, or 1", loraplusLrRatio);
        return trained.stream().map(each -> switch (each.role()) {
            case LORA_B, VECTOR -> each.withRate(loraplusLrRatio);
            case MATRIX, TABLE -> each;
        }).toList();
    }

    /** In words, without the state's place, which decides nothing. */
    String description() {
        return settings.method() + " " + settings + (loraplusLrRatio == 1 ? "" : ", LoRA+ ratio " + loraplusLrRatio);
    }
}
