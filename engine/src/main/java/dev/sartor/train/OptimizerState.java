package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.device.FileMemory;
import dev.sartor.optim.Optimizer;
import dev.sartor.optim.Trained;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** An optimizer with what it remembers, in memory or in a mapped file. */
final class OptimizerState implements AutoCloseable {
    private final Optimizer optimizer;
    private final Scope scope;
    private final FileMemory file;
    private final long fileBytes;

    /** Adds up what is asked for. */
    private static final class Counter implements Memory {
        private long bytes;

        private record Counted(long bytes) implements Buffer {}

        @Override
        public Buffer allocate(long size) {
            bytes += Memory.align(size);
            return new Counted(size);
        }

        @Override
        public void free(Buffer buffer) {
            // What was asked for is what counts.
        }
    }

    /**
     * @param work owns what is always resident
     * @throws IOException if the file cannot be made
     */
    OptimizerState(Device device, OptimizerArguments arguments, List<Trained> trained, Scope work) throws IOException {
        var directory = arguments.stateDirectory();
        var settings = arguments.settings();
        fileBytes = directory == null ? 0 : bytes(arguments, trained);
        file = fileBytes == 0 ? null : onFile(device, directory, fileBytes);
        scope = new Scope(Scope.Kind.STATE, file == null ? device : file);
        try {
            optimizer = settings.create(trained, scope, work);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static FileMemory onFile(Device device, Path directory, long bytes) throws IOException {
        try {
            return device.onFile(directory, bytes);
        } catch (IOException e) {
            throw new IOException("optim_state_dir: " + e.getMessage(), e);
        }
    }

    private static long bytes(OptimizerArguments arguments, List<Trained> trained) {
        var counter = new Counter();
        try (var counted = new Scope(Scope.Kind.STATE, counter); var work = new Scope(Scope.Kind.STATE, new Counter())) {
            arguments.settings().create(trained, counted, work);
        }
        return counter.bytes;
    }

    Optimizer optimizer() {
        return optimizer;
    }

    /** Bytes held in memory. */
    long residentBytes() {
        return file == null ? scope.bytes() : 0;
    }

    /** Bytes of the mapped file. */
    long fileBytes() {
        return fileBytes;
    }

    @Override
    public void close() {
        scope.close();
        if (file != null) {
            file.close();
        }
    }
}
