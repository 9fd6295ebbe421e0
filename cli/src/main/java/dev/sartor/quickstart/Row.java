package dev.sartor.quickstart;

/** One row of the instruction set: a question in one phrasing, its answer, and the rule by which another answer is right. */
public record Row(String kind, String key, String question, String answer, Check check) {
    /** The row as a line of JSON with {@code messages}, without a line end. */
    public String json() {
        return "{\"messages\": [{\"role\": \"user\", \"content\": " + Json.quote(question) + "}, {\"role\": \"assistant\", \"content\": " + Json.quote(answer) + "}]}";
    }
}
