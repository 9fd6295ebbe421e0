package dev.sartor.model;

/**
 * How routers of mixtures of experts are trained beside the loss of the text, and what experts take. Names are
 * Transformers' where it has them, else Megatron-Core's.
 *
 * @param outputRouterLogits whether there is a load-balancing loss
 * @param routerAuxLossCoef its coefficient
 * @param routerZLossCoef of the z-loss (Zoph et al. 2022, section 3.3); 0 for none
 * @param routerJitterNoise half the width of the factors that a mixture's input is multiplied by in training; 0 for none
 * @param moeExpertCapacityFactor what an expert takes at most in training, in even shares; 0: all, none is dropped
 * @param moeRouterBiasUpdateRate what correction biases move by after a step (Wang et al. 2024, "Auxiliary-loss-free load
 *     balancing"; DeepSeek-V3, section 2.1.2); 0: they stay
 */
public record RouterSettings(
        boolean outputRouterLogits,
        float routerAuxLossCoef,
        float routerZLossCoef,
        float routerJitterNoise,
        double moeExpertCapacityFactor,
        float moeRouterBiasUpdateRate) {
    /** Of a model without routers. */
    public static final RouterSettings NONE = new RouterSettings(false, 0, 0, 0, 0, 0);

    public RouterSettings {
        require(routerAuxLossCoef >= 0 && Float.isFinite(routerAuxLossCoef), "router_aux_loss_coef", "0 or more", routerAuxLossCoef);
        require(routerZLossCoef >= 0 && Float.isFinite(routerZLossCoef), "router_z_loss_coef", "0 or more", routerZLossCoef);
        require(routerJitterNoise >= 0 && routerJitterNoise < 1, "router_jitter_noise", "0 or more and below 1", routerJitterNoise);
        require(moeExpertCapacityFactor >= 0 && Double.isFinite(moeExpertCapacityFactor), "moe_expert_capacity_factor",
                "0 (none is dropped) or more", moeExpertCapacityFactor);
        require(moeRouterBiasUpdateRate >= 0 && Float.isFinite(moeRouterBiasUpdateRate), "moe_router_bias_update_rate",
                "0 or more", moeRouterBiasUpdateRate);
    }

    private static void require(boolean holds, String key, String expected, Object found) {
        if (!holds) {
            throw new IllegalArgumentException(key + ": expected " + expected + ", found " + found);
        }
    }

    /**
     * Reads what config.json says.
     *
     * @param auxLossCoef where it has none
     * @throws IllegalArgumentException if a number is out of its range
     */
    public static RouterSettings read(ConfigReader config, double auxLossCoef) {
        try {
            return new RouterSettings(config.flag("output_router_logits", false),
                    (float) config.number("router_aux_loss_coef", auxLossCoef), 0, (float) config.number("router_jitter_noise", 0), 0, 0);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(config.where() + ": " + e.getMessage(), e);
        }
    }

    /** The load-balancing loss's coefficient; 0 without it. */
    public float auxLossCoef() {
        return outputRouterLogits ? routerAuxLossCoef : 0;
    }

    /** Whether routers have a loss of their own. */
    public boolean hasLosses() {
        return auxLossCoef() > 0 || routerZLossCoef > 0;
    }
}
