package dev.sartor.device.kernel;

/** What a group of experts is chosen by. */
public enum GroupScore {
    /** Its best expert's score: DeepSeek-V2's {@code group_limited_greedy}. */
    MAX,
    /** The sum of its two best experts' scores: DeepSeek-V3. */
    TOP2_SUM
}
