package dev.sartor.data;

/**
 * Why a row cannot be used.
 *
 * @param place  file and line
 * @param field  the column or the path in it, such as {@code messages[2].content}; empty where it is the whole row
 * @param reason what was found and what was expected
 */
public record DataProblem(Row.Place place, String field, String reason) {

    @Override
    public String toString() {
        return place + ": " + (field.isEmpty() ? "" : field + ": ") + reason;
    }
}
