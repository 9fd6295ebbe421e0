package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.data.BatchSource;
import dev.sartor.data.Batches;
import dev.sartor.data.Buckets;
import dev.sartor.data.Collator;
import dev.sartor.data.Dataset;
import dev.sartor.data.EncodingOptions;
import dev.sartor.data.Packing;
import dev.sartor.data.RandomWindows;
import dev.sartor.data.RowEncoder;
import dev.sartor.data.Sample;
import dev.sartor.data.TextFile;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Files of text or rows, read and laid out for training and evaluation.
 *
 * @param train micro-batches
 * @param evaluation whole, in order; empty for none
 * @param notes what a person should know of the data: counts and warnings
 * @param length longest row of any micro-batch, padding included
 * @param demands what a model must have to take it
 */
public record DataSource(BatchSource train, List<Batch> evaluation, List<String> notes, int length, Demands demands) {
    /**
     * How data are read; the names are TRL's.
     *
     * @param badRows whether rows that cannot be used stop everything, or are left out and counted
     * @param evalFraction share at the end of the training data that is held out; 0 for none
     * @param packing how samples share rows
     * @param completionOnlyLoss empty for TRL's default
     * @param padToMultipleOf rows that are not packed are as long as the longest of their batch, rounded up as in
     *     {@link Buckets}
     */
    public record Options(
            List<Path> files, List<Path> evalFiles, Dataset.BadRows badRows, double evalFraction, String textField,
            int maxLength, EncodingOptions.TruncationMode truncationMode, Packing packing, Optional<Boolean> completionOnlyLoss,
            boolean assistantOnlyLoss, int padToMultipleOf, int trainBatch, int evalBatch, long seed) {
        /** The same for other files. */
        public Options with(List<Path> files, List<Path> evalFiles) {
            return new Options(files, evalFiles, badRows, evalFraction, textField, maxLength, truncationMode, packing,
                    completionOnlyLoss, assistantOnlyLoss, padToMultipleOf, trainBatch, evalBatch, seed);
        }

        /** The same with another {@code max_length}. */
        public Options withMaxLength(int maxLength) {
            return new Options(files, evalFiles, badRows, evalFraction, textField, maxLength, truncationMode, packing,
                    completionOnlyLoss, assistantOnlyLoss, padToMultipleOf, trainBatch, evalBatch, seed);
        }

        /** The same for other batches, in another order. */
        public Options with(int trainBatch, long seed) {
            return new Options(files, evalFiles, badRows, evalFraction, textField, maxLength, truncationMode, packing,
                    completionOnlyLoss, assistantOnlyLoss, padToMultipleOf, trainBatch, evalBatch, seed);
        }

        /** TRL's defaults. */
        public static Options of(List<Path> files) {
            return new Options(files, List.of(), Dataset.BadRows.STOP, 0, "text", 1024,
                    EncodingOptions.TruncationMode.KEEP_START, Packing.NONE, Optional.empty(), false, 32, 8, 8, 42);
        }
    }

    /**
     * @throws dev.sartor.data.DataException naming file, line, field and reason if rows cannot be used
     */
    public static DataSource read(Options options, Tokenizer tokenizer) throws IOException {
        if (options.files.isEmpty()) {
            throw new IllegalArgumentException("no training data; name one file or more (dataset_name)");
        }
        boolean text = TextFile.is(options.files.getFirst());
        for (var file : options.files) {
            if (TextFile.is(file) != text) {
                throw new IllegalArgumentException(file + ": plain text and rows cannot be mixed in one training set");
            }
        }
        return text ? texts(options, tokenizer) : rows(options, tokenizer);
    }

    /** Reads data for evaluation only. */
    public static List<Batch> readEvaluation(Options options, List<Path> files, Tokenizer tokenizer, List<String> notes)
            throws IOException {
        var rows = new ArrayList<List<Sample>>();
        for (var file : files) {
            rows.addAll(options.evalFraction > 0 ? heldOut(options, file, tokenizer, notes)
                    : evaluationRows(options, file, tokenizer, notes));
        }
        return batches(rows, options, tokenizer);
    }

    private static DataSource texts(Options options, Tokenizer tokenizer) throws IOException {
        if (options.files.size() > 1) {
            throw new IllegalArgumentException("plain text comes as one file; join the " + options.files.size() + " files into one");
        }
        var file = options.files.getFirst();
        var notes = new ArrayList<String>();
        TextFile train;
        var heldOut = new ArrayList<List<Sample>>();
        if (options.evalFraction > 0) {
            var split = TextFile.readSplit(file, tokenizer, options.evalFraction);
            train = split.train();
            windows(split.validation(), options, file + ", its end", notes).forEach(heldOut::add);
        } else {
            train = TextFile.read(file, tokenizer);
        }
        notes.addFirst("%s: %,d tokens of plain text, windows of %d".formatted(file, train.tokens().length, options.maxLength));
        for (var each : options.evalFiles) {
            heldOut.addAll(evaluationRows(options, each, tokenizer, notes));
        }
        int length = Math.min(options.maxLength, train.tokens().length);
        var evaluation = batches(heldOut, options, tokenizer);
        var demands = Demands.of(List.of(Sample.all(train.tokens()))).within(length).and(Demands.ofBatches(evaluation));
        return new DataSource(new RandomWindows(train, length, options.trainBatch, options.seed), evaluation, notes,
                length, demands);
    }

    private static DataSource rows(Options options, Tokenizer tokenizer) throws IOException {
        var notes = new ArrayList<String>();
        var all = dataset(options, options.files, tokenizer);
        note(all, "training data", notes);
        var train = all.samples();
        var heldOut = new ArrayList<List<Sample>>();
        if (options.evalFraction > 0) {
            var split = all.split(options.evalFraction, options.seed);
            train = split.train().samples();
            heldOut.addAll(alone(split.validation().samples()));
            notes.add("%,d samples are held out for evaluation".formatted(split.validation().samples().size()));
        }
        for (var each : options.evalFiles) {
            heldOut.addAll(evaluationRows(options, each, tokenizer, notes));
        }
        boolean packed = options.packing != Packing.NONE;
        var rows = options.packing.pack(train, options.maxLength);
        if (packed) {
            notes.add("packed into %,d rows of %d tokens".formatted(rows.size(), options.maxLength));
        }
        var collator = packed ? Collator.toLength(pad(tokenizer), options.maxLength) : collator(options, tokenizer);
        int length = packed ? options.maxLength : rounded(longest(rows), options);
        var evaluation = batches(heldOut, options, tokenizer);
        return new DataSource(Batches.shuffled(rows, options.trainBatch, collator, options.seed), evaluation, notes,
                length, Demands.of(train).and(Demands.ofBatches(evaluation)));
    }

    /** The part of a training file that training with the same options holds out. */
    private static List<List<Sample>> heldOut(Options options, Path file, Tokenizer tokenizer, List<String> notes)
            throws IOException {
        if (TextFile.is(file)) {
            var split = TextFile.readSplit(file, tokenizer, options.evalFraction);
            return windows(split.validation(), options, file + ", its end", notes);
        }
        var dataset = dataset(options, List.of(file), tokenizer);
        note(dataset, file.toString(), notes);
        var held = dataset.split(options.evalFraction, options.seed).validation().samples();
        notes.add("%,d of its samples are held out, and evaluated".formatted(held.size()));
        return alone(held);
    }

    private static List<List<Sample>> evaluationRows(Options options, Path file, Tokenizer tokenizer, List<String> notes)
            throws IOException {
        if (TextFile.is(file)) {
            return windows(TextFile.read(file, tokenizer), options, file.toString(), notes);
        }
        var dataset = dataset(options, List.of(file), tokenizer);
        note(dataset, file.toString(), notes);
        return alone(dataset.samples());
    }

    private static Dataset dataset(Options options, List<Path> files, Tokenizer tokenizer) throws IOException {
        var encoding = new EncodingOptions(OptionalInt.of(options.maxLength), options.truncationMode,
                options.assistantOnlyLoss, options.completionOnlyLoss, Map.of());
        return Dataset.load(files, new RowEncoder(tokenizer, tokenizer.chatTemplate(), encoding), options.textField,
                options.badRows);
    }

    private static void note(Dataset dataset, String name, List<String> notes) {
        notes.add(name + ": " + dataset.statistics().summary());
        dataset.statistics().warnings().forEach(warning -> notes.add("warning: " + warning));
        dataset.problems().forEach(problem -> notes.add("left out: " + problem));
    }

    private static List<List<Sample>> windows(TextFile text, Options options, String name, List<String> notes) {
        var windows = text.windows(options.maxLength, false);
        notes.add("%s: %,d windows of %d tokens for evaluation%s".formatted(name, windows.samples().size(), options.maxLength,
                windows.dropped() == 0 ? "" : ", the last %d tokens left out".formatted(windows.dropped())));
        return alone(windows.samples());
    }

    private static List<List<Sample>> alone(List<Sample> samples) {
        return samples.stream().map(List::of).toList();
    }

    private static List<Batch> batches(List<List<Sample>> rows, Options options, Tokenizer tokenizer) {
        return rows.isEmpty() ? List.of()
                : Batches.inOrder(rows, Math.min(options.evalBatch, rows.size()), collator(options, tokenizer)).epoch(0);
    }

    private static Collator collator(Options options, Tokenizer tokenizer) {
        return Collator.toMultiple(pad(tokenizer), options.padToMultipleOf);
    }

    private static int longest(List<List<Sample>> rows) {
        return rows.stream().mapToInt(row -> row.stream().mapToInt(sample -> sample.ids().length).sum()).max().orElse(0);
    }

    private static int rounded(int length, Options options) {
        return new Buckets(options.padToMultipleOf).round(length);
    }

    /** Padding is never attended to nor learned, so any id serves where the tokenizer has none for it. */
    private static int pad(Tokenizer tokenizer) {
        return tokenizer.specialTokens().pad().orElse(0);
    }
}
