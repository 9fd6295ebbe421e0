package dev.sartor.train;

import dev.sartor.model.LanguageModel;
import dev.sartor.model.RouterSettings;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a run says of routers of mixtures of experts, in the place of what the model's config.json says; see {@link
 * RouterSettings}.
 */
public record RouterArguments(
        Optional<Boolean> outputRouterLogits,
        Optional<Double> routerAuxLossCoef,
        Optional<Double> routerZLossCoef,
        Optional<Double> routerJitterNoise,
        Optional<Double> moeExpertCapacityFactor,
        Optional<Double> moeRouterBiasUpdateRate) {
    /** Nothing: config.json holds. */
    public static final RouterArguments NONE = new RouterArguments(
            Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    private boolean isPresent() {
        return Stream.of(outputRouterLogits, routerAuxLossCoef, routerZLossCoef, routerJitterNoise, moeExpertCapacityFactor,
                moeRouterBiasUpdateRate).anyMatch(Optional::isPresent);
    }

    /**
     * What holds for a model.
     *
     * @param whole whether every weight is trained
     * @throws IllegalArgumentException if the model has no mixtures of experts, or not what a setting needs
     */
    RouterSettings of(LanguageModel model, boolean whole) {
        var stored = model.config().routers();
        if (!isPresent()) {
            return stored;
        }
        var mixtures = model.lm().mixtures();
        if (mixtures.isEmpty()) {
            throw new IllegalArgumentException(model.directory().path() + ": the model has no mixtures of experts;"
                    + " leave out output_router_logits and the keys of router_ and moe_");
        }
        var settings = new RouterSettings(
                outputRouterLogits.orElse(stored.outputRouterLogits()),
                routerAuxLossCoef.map(Double::floatValue).orElse(stored.routerAuxLossCoef()),
                routerZLossCoef.map(Double::floatValue).orElse(stored.routerZLossCoef()),
                routerJitterNoise.map(Double::floatValue).orElse(stored.routerJitterNoise()),
                moeExpertCapacityFactor.orElse(stored.moeExpertCapacityFactor()),
                moeRouterBiasUpdateRate.map(Double::floatValue).orElse(stored.moeRouterBiasUpdateRate()));
        if (routerAuxLossCoef.isPresent() && !settings.outputRouterLogits()) {
            throw new IllegalArgumentException("router_aux_loss_coef: there is no load-balancing loss; add output_router_logits=true");
        }
        if (settings.moeRouterBiasUpdateRate() > 0) {
            if (mixtures.stream().anyMatch(moe -> moe.router().correctionBias() == null)) {
                throw new IllegalArgumentException("moe_router_bias_update_rate: " + model.directory().path() + " has routers without"
                        + " e_score_correction_bias; balance them with output_router_logits=true");
            }
            if (!whole) {
                throw new IllegalArgumentException("moe_router_bias_update_rate: correction biases belong to the base model, which"
                        + " stays as it is under an adapter; train every weight (peft_type=none), or leave it out");
            }
        }
        return settings;
    }
}
