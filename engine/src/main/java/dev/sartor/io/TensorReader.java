package dev.sartor.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads tensors of files, one piece after another, into memory of its own that the next piece takes again: so nothing
 * of what has been read stays in memory, as pages of a mapped file would.
 */
public final class TensorReader implements AutoCloseable {

    /** Bytes of a piece, where the reader of a tensor may choose. */
    public static final long PIECE_BYTES = 8L << 20;

    private static final long ALIGNMENT = 64;

    /** A Java array of a megabyte, gone with the next collection of the young generation. */
    private static final long FLOATS_AT_ONCE = 1L << 18;

    private final Safetensors file;
    private Arena arena;
    private MemorySegment memory = MemorySegment.NULL;

    /** @param file stays its owner's to close */
    public TensorReader(Safetensors file) {
        this.file = file;
    }

    /** The file that is read. */
    public Safetensors file() {
        return file;
    }

    /** A whole tensor's bytes, valid until the next read. */
    public MemorySegment read(String name) throws FormatException {
        return read(name, 0, file.size(name));
    }

    /**
     * Some of a tensor's bytes, row-major and little-endian, valid until the next read.
     *
     * @throws FormatException as {@link Safetensors#read} does
     */
    public MemorySegment read(String name, long offset, long bytes) throws FormatException {
        if (memory.byteSize() < bytes || memory.byteSize() > PIECE_BYTES && bytes <= PIECE_BYTES) {
            release();
            arena = Arena.ofShared();
            memory = arena.allocate(Math.max(bytes, PIECE_BYTES), ALIGNMENT);
        }
        MemorySegment piece = memory.asSlice(0, bytes);
        file.read(name, offset, piece);
        return piece.asReadOnly();
    }

    /**
     * Rows of a tensor, along its first dimension, valid until the next read.
     *
     * @param first of the rows
     */
    public MemorySegment rows(String name, long first, long count) throws FormatException {
        long rowBytes = file.size(name) / Math.max(1, file.spec(name).shape().dim(0));
        return read(name, first * rowBytes, count * rowBytes);
    }

    /** Hands a tensor's bytes on, piece by piece. */
    public void copy(String name, TensorSource.Sink sink) throws IOException {
        long bytes = file.size(name);
        for (long at = 0; at < bytes; at += PIECE_BYTES) {
            sink.write(read(name, at, Math.min(PIECE_BYTES, bytes - at)));
        }
    }

    /** Hands a tensor's elements on as floats, piece by piece. */
    public void copyFloats(String name, TensorSource.Sink sink) throws IOException {
        SafetensorsType type = file.type(name);
        long bytes = file.size(name);
        long piece = FLOATS_AT_ONCE * type.bytes();
        for (long at = 0; at < bytes; at += piece) {
            MemorySegment values = read(name, at, Math.min(piece, bytes - at));
            try {
                sink.write(Conversions.toFloats(values, type));
            } catch (IllegalArgumentException e) {
                throw new FormatException(file.where(name) + ": " + e.getMessage(), e);
            }
        }
    }

    /** Frees the memory; the next read takes new memory. */
    public void release() {
        if (arena != null) {
            arena.close();
            arena = null;
            memory = MemorySegment.NULL;
        }
    }

    @Override
    public void close() {
        release();
    }
}
