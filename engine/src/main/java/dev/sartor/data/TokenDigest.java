package dev.sartor.data;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** A checksum (CRC-32C) of token ids and labels, and of how they are divided. */
final class TokenDigest {
    private static final int CHUNK = 1 << 14;

    private final CRC32C sum = new CRC32C();
    private final ByteBuffer bytes = ByteBuffer.allocate(CHUNK * Integer.BYTES);

    TokenDigest add(int[] values) {
        add(values.length);
        for (int from = 0; from < values.length; from += CHUNK) {
            int count = Math.min(CHUNK, values.length - from);
            bytes.clear().asIntBuffer().put(values, from, count);
            sum.update(bytes.limit(count * Integer.BYTES));
        }
        return this;
    }

    TokenDigest add(int value) {
        sum.update(bytes.clear().putInt(value).flip());
        return this;
    }

    long value() {
        return sum.getValue();
    }
}
