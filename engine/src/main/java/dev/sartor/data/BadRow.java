package dev.sartor.data;

/** Says what is wrong with a row while it is looked at; becomes a {@link DataProblem} where its place is known. */
final class BadRow extends Exception {

    private static final long serialVersionUID = 1L;

    private final String field;

    BadRow(String field, String reason) {
        super(reason, null, false, false);
        this.field = field;
    }

    DataProblem at(Row.Place place) {
        return new DataProblem(place, field, getMessage());
    }
}
