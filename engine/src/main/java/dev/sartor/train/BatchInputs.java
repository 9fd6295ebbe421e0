package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.nn.TokenInputs;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** Carries batches to a device. */
final class BatchInputs {
    private BatchInputs() {}

    /** Copies all but the targets. */
    static void write(Device device, Batch batch, TokenInputs inputs) {
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, batch.inputIds()), inputs.ids());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, batch.positions()), inputs.positions());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, batch.keyBegin()), inputs.keyBegin());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, batch.keyEnd()), inputs.keyEnd());
        }
    }
}
