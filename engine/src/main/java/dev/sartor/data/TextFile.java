package dev.sartor.data;

import dev.sartor.io.FormatException;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A plain text file as one stream of tokens: as if tokenized whole, with no special tokens added, and read through windows. All
 * of it is learned but the first token of each window.
 *
 * @param tokens the stream
 */
public record TextFile(int[] tokens) {

    /** Whether a path is read as plain text: it ends in {@code .txt} or {@code .text}. */
    public static boolean is(Path path) {
        return path.toString().endsWith(".txt") || path.toString().endsWith(".text");
    }

    /**
     * The two parts of a text.
     *
     * @param train      the beginning
     * @param validation the end
     */
    public record Split(TextFile train, TextFile validation) {
    }

    /** Reads and tokenizes a whole file. */
    public static TextFile read(Path file, Tokenizer tokenizer) throws IOException {
        return of(file, text(file), tokenizer);
    }

    /**
     * Reads a file and cuts it before tokenizing: the last {@code validationFraction} of its characters (code points) are
     * held out.
     *
     * @throws IllegalArgumentException if the fraction is not between 0 and 1
     */
    public static Split readSplit(Path file, Tokenizer tokenizer, double validationFraction) throws IOException {
        if (!(validationFraction > 0 && validationFraction < 1)) {
            throw new IllegalArgumentException("the held-out fraction must be between 0 and 1, found " + validationFraction);
        }
        String text = text(file);
        int characters = text.codePointCount(0, text.length());
        int cut = text.offsetByCodePoints(0, (int) (characters * (1 - validationFraction)));
        return new Split(of(file, text.substring(0, cut), tokenizer), of(file, text.substring(cut), tokenizer));
    }

    private static String text(Path file) throws IOException {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (CharacterCodingException e) {
            throw new FormatException(file + ": not UTF-8 text", e);
        } catch (NoSuchFileException e) {
            throw new FormatException(file + ": no such file", e);
        }
    }

    private static TextFile of(Path file, String text, Tokenizer tokenizer) throws IOException {
        int[] tokens = LongText.encode(tokenizer, text);
        if (tokens.length < 2) {
            throw new DataException(file + ": " + tokens.length + " tokens are too few to learn from; expected at least 2");
        }
        return new TextFile(tokens);
    }

    /**
     * Windows side by side.
     *
     * @param samples as long as asked, the last one shorter if the tail is kept
     * @param dropped tokens of the tail left out
     */
    public record Windows(List<Sample> samples, int dropped) {
    }

    /**
     * Cuts the stream into windows side by side.
     *
     * @param length   tokens of a window
     * @param keepTail whether what remains at the end is a shorter window (if it has two tokens); else it is left out. A
     *                 stream shorter than one window is always kept.
     */
    public Windows windows(int length, boolean keepTail) {
        requireLength(length);
        List<Sample> samples = new ArrayList<>();
        int at = 0;
        for (; at + length <= tokens.length; at += length) {
            samples.add(Sample.all(Arrays.copyOfRange(tokens, at, at + length)));
        }
        if (tokens.length - at >= 2 && (keepTail || samples.isEmpty())) {
            samples.add(Sample.all(Arrays.copyOfRange(tokens, at, tokens.length)));
            at = tokens.length;
        }
        return new Windows(List.copyOf(samples), tokens.length - at);
    }

    /**
     * A window at a random place, the same for the same seed and number; places are uniform over the stream.
     *
     * @param number which one, from 0
     * @throws IllegalArgumentException if the stream is shorter than a window
     */
    public Sample randomWindow(int length, long seed, long number) {
        requireLength(length);
        if (tokens.length < length) {
            throw new IllegalArgumentException("a text of " + tokens.length + " tokens has no window of " + length + "; shorten max_length");
        }
        long bits = Permutation.mix(Permutation.mix(seed) + (number + 1) * 0x9e3779b97f4a7c15L);
        int start = (int) Math.unsignedMultiplyHigh(bits, tokens.length - length + 1L);
        return Sample.all(Arrays.copyOfRange(tokens, start, start + length));
    }

    private static void requireLength(int length) {
        if (length < 2) {
            throw new IllegalArgumentException("a window must have at least 2 tokens, as the first is never learned; found " + length);
        }
    }
}
