package dev.sartor.data;

import dev.sartor.text.Tokenizer;
import java.util.Arrays;

/**
 * Tokens of a long text, encoded piece by piece, so that the tokenizer's own structures (some hundred bytes
 * a token) never exist for the whole text. Pieces overlap. Where one ends and the next goes on is a place in
 * the overlap from which both have the same tokens for a good while, far from the edges of either: there,
 * what is cut off no longer tells, and the tokens are those of the whole text.
 */
final class LongText {
    private static final int PIECE = 1 << 16;
    private static final int OVERLAP = 1 << 12;
    /** Tokens that must agree. */
    private static final int AGREEING = 64;

    private LongText() {}

    /** As {@link Tokenizer#encode} without special tokens. */
    static int[] encode(Tokenizer tokenizer, String text) {
        return encode(tokenizer, text, PIECE, OVERLAP, AGREEING);
    }

    static int[] encode(Tokenizer tokenizer, String text, int pieceLength, int overlap, int agreeing) {
        if (text.length() <= pieceLength) {
            return tokenizer.encode(text, false);
        }
        var tokens = new Stream();
        Piece piece = Piece.of(tokenizer, text, 0, pieceLength);
        // The first of its tokens that is not taken yet.
        int from = 0;
        while (piece.end < text.length()) {
            var next = Piece.of(tokenizer, text, piece.end - overlap, pieceLength);
            int[] joint = joint(piece, from, next, agreeing);
            if (joint == null) {
                // Nothing to go by, as in one endless word: a longer piece overlaps with the next elsewhere.
                int length = Math.min(text.length() - piece.start, 2 * (piece.end - piece.start));
                piece = Piece.of(tokenizer, text, piece.start, length);
                continue;
            }
            tokens.add(piece.encoding.ids(), from, joint[0]);
            from = joint[1];
            piece = next;
        }
        tokens.add(piece.encoding.ids(), from, piece.encoding.ids().length);
        return tokens.toArray();
    }

    private record Piece(int start, int end, Tokenizer.Encoding encoding) {
        static Piece of(Tokenizer tokenizer, String text, int start, int length) {
            int from = whole(text, start);
            int to = whole(text, Math.min(text.length(), start + length));
            return new Piece(from, to, tokenizer.encodeWithPlaces(text.substring(from, to), false));
        }

        /** Not in the middle of a surrogate pair. */
        private static int whole(String text, int at) {
            return at > 0 && at < text.length() && Character.isLowSurrogate(text.charAt(at)) ? at + 1 : at;
        }

        int place(int token) {
            return start + encoding.starts()[token];
        }

        int tokens() {
            return encoding.ids().length;
        }
    }

    /** A token of each piece, both standing at one place, from which they agree; null if there is none. */
    private static int[] joint(Piece piece, int from, Piece next, int agreeing) {
        int first = Math.max(from, firstFrom(piece, next.start));
        int second = 0;
        while (first + 2 * agreeing <= piece.tokens() && second + agreeing <= next.tokens()) {
            if (piece.place(first) < next.place(second)) {
                first++;
            } else if (piece.place(first) > next.place(second)) {
                second++;
            } else if (second >= agreeing && agree(piece, first, next, second, agreeing)) {
                return new int[] {first, second};
            } else {
                first++;
                second++;
            }
        }
        return null;
    }

    private static int firstFrom(Piece piece, int place) {
        int token = 0;
        while (token < piece.tokens() && piece.place(token) < place) {
            token++;
        }
        return token;
    }

    private static boolean agree(Piece piece, int first, Piece next, int second, int count) {
        for (int i = 0; i < count; i++) {
            if (piece.encoding.ids()[first + i] != next.encoding.ids()[second + i]
                    || piece.place(first + i) != next.place(second + i)) {
                return false;
            }
        }
        return true;
    }

    /** A list of ints that grows. */
    private static final class Stream {
        private int[] values = new int[1 << 12];
        private int count;

        void add(int[] from, int begin, int end) {
            int length = end - begin;
            if (count + length > values.length) {
                values = Arrays.copyOf(values, Math.max(count + length, values.length + values.length / 2));
            }
            System.arraycopy(from, begin, values, count, length);
            count += length;
        }

        int[] toArray() {
            return Arrays.copyOf(values, count);
        }
    }
}
