package dev.sartor.io;

import dev.sartor.tensor.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/** Writes one tensor after another into a channel, holding each to the length it announced. */
final class ChannelSink implements TensorSource.Sink {

    private static final int BUFFER_BYTES = 1 << 18;
    private static final long CHUNK_BYTES = 1L << 28;

    private final WritableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private TensorSource current;
    private long written;

    ChannelSink(WritableByteChannel channel) {
        this.channel = channel;
    }

    void write(TensorSource tensor) throws IOException {
        current = tensor;
        written = 0;
        tensor.content().writeTo(this);
        if (written != tensor.bytes()) {
            throw new IllegalStateException("tensor '" + tensor.name() + "' wrote " + written + " bytes, but its spec "
                    + tensor.spec() + " has " + tensor.bytes());
        }
    }

    void drain(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void write(MemorySegment bytes) throws IOException {
        count(bytes.byteSize());
        if (!bytes.isNative()) {
            // Writing from the heap goes through native memory of that size, which the thread would keep.
            for (long at = 0; at < bytes.byteSize(); at += BUFFER_BYTES) {
                buffer.put(bytes.asSlice(at, Math.min(BUFFER_BYTES, bytes.byteSize() - at)).asByteBuffer());
                flush();
            }
            return;
        }
        for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
            drain(bytes.asSlice(at, Math.min(CHUNK_BYTES, bytes.byteSize() - at)).asByteBuffer());
        }
    }

    @Override
    public void write(float[] values) throws IOException {
        DType dtype = current.spec().dtype();
        count((long) values.length * dtype.bytes());
        for (float value : values) {
            room(4);
            switch (dtype) {
                case FLOAT32 -> buffer.putFloat(value);
                case BFLOAT16 -> buffer.putShort(Conversions.floatToBfloat16(value));
                case FLOAT16 -> buffer.putShort(Float.floatToFloat16(value));
                default -> throw mismatch("floats");
            }
        }
        flush();
    }

    @Override
    public void write(int[] values) throws IOException {
        DType dtype = current.spec().dtype();
        count((long) values.length * dtype.bytes());
        for (int value : values) {
            room(8);
            switch (dtype) {
                case INT32 -> buffer.putInt(value);
                case INT64 -> buffer.putLong(value);
                default -> throw mismatch("ints");
            }
        }
        flush();
    }

    private void count(long bytes) {
        written += bytes;
        if (written > current.bytes()) {
            throw new IllegalStateException("tensor '" + current.name() + "' wrote more than the " + current.bytes()
                    + " bytes of its spec " + current.spec());
        }
    }

    private void room(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
    }

    private void flush() throws IOException {
        drain(buffer.flip());
        buffer.clear();
    }

    private IllegalStateException mismatch(String given) {
        return new IllegalStateException("tensor '" + current.name() + "' is " + current.spec().dtype() + " and was given " + given);
    }
}
