package dev.sartor.device.kernel;

/**
 * How experts are chosen and weighed; names are those of Transformers' configurations.
 *
 * @param topK experts of a token: {@code num_experts_per_tok}
 * @param normTopkProb whether the chosen scores are divided by their sum: Mixtral. Softmax scores then
 *     are the softmax over the chosen logits: GPT-OSS
 * @param routedScalingFactor what weights are multiplied by at last
 * @param nGroup groups of neighbouring experts; 1: none
 * @param topkGroup groups that experts are chosen from
 */
public record Routing(
        int topK, RouterScoring scoring, boolean normTopkProb, float routedScalingFactor, int nGroup, int topkGroup, GroupScore groupScore) {
    /** Softmax without groups: Mixtral, Qwen-MoE, OLMoE. */
    public static Routing softmax(int topK, boolean normTopkProb) {
        return new Routing(topK, RouterScoring.SOFTMAX, normTopkProb, 1, 1, 1, GroupScore.MAX);
    }
}
