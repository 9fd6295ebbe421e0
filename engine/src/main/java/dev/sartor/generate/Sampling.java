package dev.sartor.generate;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 for greedy
 * @param topK most likely tokens that are considered; 0 for all
 * @param topP smallest probability mass that is considered (Holtzman et al. 2020); 1 for all
 * @param seed the same seed gives the same text
 */
public record Sampling(float temperature, int topK, float topP, long seed) {
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0);

    public Sampling {
        if (!(temperature >= 0) || Float.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature: expected 0 (greedy) or more, found " + temperature);
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top_k: expected 0 (all) or more, found " + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p: expected above 0 and up to 1, found " + topP);
        }
    }
}
