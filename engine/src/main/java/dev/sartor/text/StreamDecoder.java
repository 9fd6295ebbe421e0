package dev.sartor.text;

import java.util.Arrays;

/**
 * Decodes a growing sequence of tokens piece by piece. The pieces put together are what decoding the whole sequence at
 * once gives: no piece ends within a character, and a SentencePiece blank is neither lost nor doubled. Not for several
 * threads.
 *
 * <p>A small window of tokens is kept whose text is out already; a new token is decoded behind it, so that the tokenizer's
 * decoder sees what came before, and what is new is given out. The window only moves on with text, so it never begins with
 * tokens that print nothing, before which the decoder would strip a blank that is not leading.
 */
public final class StreamDecoder {

    private static final char REPLACEMENT = '\ufffd';

    private final Tokenizer tokenizer;
    private final boolean skipSpecialTokens;
    private int[] window = new int[16];
    private int size;
    private int given;
    private String givenText = "";

    StreamDecoder(Tokenizer tokenizer, boolean skipSpecialTokens) {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    /**
     * Takes the next token.
     *
     * @return the text that is certain now, often empty
     */
    public String next(int id) {
        if (size == window.length) {
            window = Arrays.copyOf(window, 2 * size);
        }
        window[size++] = id;
        String text = tokenizer.decode(window, 0, size, skipSpecialTokens);
        if (text.length() <= givenText.length() || text.charAt(text.length() - 1) == REPLACEMENT) {
            return "";
        }
        String piece = text.substring(givenText.length());
        // What is out stays in the window for one more piece, and what was out before it leaves.
        System.arraycopy(window, given, window, 0, size - given);
        size -= given;
        given = size;
        givenText = tokenizer.decode(window, 0, size, skipSpecialTokens);
        return piece;
    }

    /** The text still held back: an unfinished character's replacement marks. Call once, at the end. */
    public String finish() {
        String text = tokenizer.decode(window, 0, size, skipSpecialTokens);
        size = 0;
        given = 0;
        String rest = text.length() > givenText.length() ? text.substring(givenText.length()) : "";
        givenText = "";
        return rest;
    }
}
