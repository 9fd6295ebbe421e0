package dev.sartor.model;

/**
 * How routers of mixtures of experts are trained beside the loss of the text, and what experts take. Keys are
 * Transformers' where it has them, else Megatron-Core's.
 *
 * @param auxLossCoef {@code router_aux_loss_coef}, of the load-balancing loss; 0 without {@code output_router_logits}
 * @param zLossCoef {@code router_z_loss_coef} (Zoph et al. 2022, section 3.3)
 */
public record RouterSettings(float auxLossCoef, float zLossCoef) {
    /** Of a model without routers. */
    public static final RouterSettings NONE = new RouterSettings(0, 0);

    /** @param auxLossCoef where config.json has none */
    public static RouterSettings read(ConfigReader config, double auxLossCoef) {
        double coefficient = coefficient(config, "router_aux_loss_coef", auxLossCoef);
        return new RouterSettings(config.flag("output_router_logits", false) ? (float) coefficient : 0,
                (float) coefficient(config, "router_z_loss_coef", 0));
    }

    private static double coefficient(ConfigReader config, String field, double otherwise) {
        double value = config.number(field, otherwise);
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw config.wrong(field, "expected 0 or more, found " + value);
        }
        return value;
    }

    /** Whether routers have a loss of their own. */
    public boolean hasLosses() {
        return auxLossCoef > 0 || zLossCoef > 0;
    }
}
