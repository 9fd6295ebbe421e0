package dev.sartor.data;

import java.io.IOException;
import java.util.List;

/** Data that cannot be used, with every row that is at fault. */
public final class DataException extends IOException {

    private static final long serialVersionUID = 1L;
    private static final int SHOWN = 10;

    private final transient List<DataProblem> problems;

    DataException(String message) {
        super(message);
        this.problems = List.of();
    }

    DataException(List<DataProblem> problems, long rows) {
        super(describe(problems, rows));
        this.problems = List.copyOf(problems);
    }

    private static String describe(List<DataProblem> problems, long rows) {
        StringBuilder text = new StringBuilder();
        text.append(problems.size()).append(" of ").append(rows).append(rows == 1 ? " row" : " rows").append(" cannot be used:");
        problems.stream().limit(SHOWN).forEach(problem -> text.append("\n  ").append(problem));
        if (problems.size() > SHOWN) {
            text.append("\n  and ").append(problems.size() - SHOWN).append(" more");
        }
        return text.append("\ncorrect these rows, or set bad_rows=skip to leave them out and count them").toString();
    }

    /** The rows at fault, in the order of the files. */
    public List<DataProblem> problems() {
        return problems;
    }
}
