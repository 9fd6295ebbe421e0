package dev.sartor.data;

import dev.sartor.io.FormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Samples in memory, in the order of their files, with what became of the rows.
 *
 * @param samples    at least one
 * @param statistics figures and warnings
 * @param problems   the rows left out, if that was asked for
 */
public record Dataset(List<Sample> samples, Statistics statistics, List<DataProblem> problems) {

    /** What happens to a row that cannot be used. */
    public enum BadRows {
        /** All files are read, then loading stops with every such row. */
        STOP,
        /** It is left out, counted, and listed in {@link Dataset#problems}. */
        SKIP
    }

    public Dataset {
        samples = List.copyOf(samples);
        problems = List.copyOf(problems);
    }

    /**
     * Reads and encodes files of rows ({@link RowReader}).
     *
     * @param textField the column of plain text, {@code text} in TRL
     * @throws DataException   if rows cannot be used and {@code badRows} is STOP, or nothing remains to be learned
     * @throws FormatException if a file cannot be read at all, or conversations meet a tokenizer without a chat template
     */
    public static Dataset load(List<Path> files, RowEncoder encoder, String textField, BadRows badRows) throws IOException {
        List<DataProblem> problems = new ArrayList<>();
        List<RowEncoder.Encoded> encoded = new ArrayList<>();
        long rows = 0;
        for (Path file : files) {
            RowReader.Result read = RowReader.read(file, textField);
            rows += read.rows().size() + read.problems().size();
            List<DataProblem> here = new ArrayList<>(read.problems());
            for (Row row : read.rows()) {
                try {
                    encoded.add(encoder.encode(row));
                } catch (BadRow bad) {
                    here.add(bad.at(row.place()));
                }
            }
            here.sort((a, b) -> Long.compare(a.place().line(), b.place().line()));
            problems.addAll(here);
        }
        if (rows == 0) {
            throw new DataException(names(files) + ": no rows; expected JSON objects, one a line or in an array");
        }
        if (badRows == BadRows.STOP && !problems.isEmpty()) {
            throw new DataException(problems, rows);
        }
        List<Sample> samples = new ArrayList<>();
        for (RowEncoder.Encoded each : encoded) {
            if (each.sample().learned() > 0) {
                samples.add(each.sample());
            }
        }
        long emptied = encoded.size() - samples.size();
        if (samples.isEmpty()) {
            throw emptied == 0 ? new DataException(problems, rows) : new DataException(names(files) + ": cut at max_length="
                    + encoder.options().maxLength().orElse(0) + ", none of " + rows
                    + " rows has anything left to learn; raise max_length, or set truncation_mode=keep_end");
        }
        return new Dataset(samples, Statistics.of(rows, problems.size(), emptied, samples, encoded), problems);
    }

    private static String names(List<Path> files) {
        return files.stream().map(Path::toString).collect(Collectors.joining(", "));
    }

    /** The samples at some places of this one, in that order, with their own figures and none of the rows' counts. */
    private Dataset subset(List<Sample> some) {
        List<RowEncoder.Encoded> plain = some.stream().map(s -> new RowEncoder.Encoded(s, 0, false, 0)).toList();
        return new Dataset(some, Statistics.of(some.size(), 0, 0, some, plain), List.of());
    }

    /**
     * Two parts of a data set.
     *
     * @param train      the rest
     * @param validation the held-out part
     */
    public record Split(Dataset train, Dataset validation) {
    }

    /**
     * Holds out a fraction, at least one sample, chosen by the seed; both parts keep the order of the files.
     *
     * @throws IllegalArgumentException if the fraction is not within 0 and 1, or a part would be empty
     */
    public Split split(double validationFraction, long seed) {
        if (!(validationFraction > 0 && validationFraction < 1) || samples.size() < 2) {
            throw new IllegalArgumentException("cannot hold out the fraction " + validationFraction + " of " + samples.size()
                    + " samples; expected a fraction between 0 and 1 and at least 2 samples");
        }
        int held = Math.clamp(Math.round(samples.size() * validationFraction), 1, samples.size() - 1);
        Permutation order = new Permutation(samples.size(), seed, 0);
        boolean[] validation = new boolean[samples.size()];
        for (int i = 0; i < held; i++) {
            validation[(int) order.at(i)] = true;
        }
        List<Sample> kept = new ArrayList<>();
        List<Sample> out = new ArrayList<>();
        for (int i = 0; i < validation.length; i++) {
            (validation[i] ? out : kept).add(samples.get(i));
        }
        return new Split(subset(kept), subset(out));
    }
}
