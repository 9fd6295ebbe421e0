package dev.sartor.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.sartor.io.FormatException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * The Rust tokenizers library through DJL, kept offline. DJL's own {@code Encoding} copies every token's text and spans
 * into Java objects; for training only ids are wanted, so its native methods are called here.
 */
final class NativeTokenizer implements AutoCloseable {

    static {
        // DJL looks for native libraries on its servers, and for a GPU's, unless told otherwise before it loads.
        setDefault("ai.djl.offline", "true");
        setDefault("OPT_OUT_TRACKING", "true");
        setDefault("RUST_FLAVOR", "cpu");
        setDefault("slf4j.internal.verbosity", "ERROR");
    }

    private static void setDefault(String key, String value) {
        if (System.getProperty(key) == null) {
            System.setProperty(key, value);
        }
    }

    private final HuggingFaceTokenizer tokenizer;

    private NativeTokenizer(HuggingFaceTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    static NativeTokenizer of(byte[] json, Path file) throws IOException {
        try {
            return new NativeTokenizer(HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json),
                    Map.of("truncation", "false", "padding", "false")));
        } catch (RuntimeException e) {
            throw new FormatException(file + ": not a tokenizer this library reads: " + e.getMessage(), e);
        } catch (LinkageError e) {
            throw new IOException("the native tokenizers library did not load on " + System.getProperty("os.name") + " "
                    + System.getProperty("os.arch") + ": " + e.getMessage()
                    + "; it unpacks itself into ~/.djl.ai, which must be writable (DJL_CACHE_DIR overrides)", e);
        }
    }

    /** Ids, and where wanted each token's half-open range of code points, two ints a token. */
    record Encoded(int[] ids, int[] codePoints) {
    }

    Encoded encode(String text, boolean addSpecialTokens, boolean withSpans) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        long encoding = library.encode(tokenizer.getHandle(), text, addSpecialTokens);
        try {
            long[] ids = library.getTokenIds(encoding);
            int[] narrow = new int[ids.length];
            for (int i = 0; i < ids.length; i++) {
                narrow[i] = Math.toIntExact(ids[i]);
            }
            return new Encoded(narrow, withSpans ? spans(library.getTokenCharSpans(encoding)) : null);
        } finally {
            library.deleteEncoding(encoding);
        }
    }

    private static int[] spans(CharSpan[] spans) {
        int[] flat = new int[2 * spans.length];
        for (int i = 0; i < spans.length; i++) {
            flat[2 * i] = spans[i] == null ? 0 : spans[i].getStart();
            flat[2 * i + 1] = spans[i] == null ? 0 : spans[i].getEnd();
        }
        return flat;
    }

    String decode(int[] ids, int from, int to, boolean skipSpecialTokens) {
        long[] wide = new long[to - from];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = ids[from + i];
        }
        return tokenizer.decode(wide, skipSpecialTokens);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
