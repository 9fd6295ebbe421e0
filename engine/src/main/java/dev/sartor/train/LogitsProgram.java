package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.Logits;
import dev.sartor.tape.Planner;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;

/** The planned forward pass of one batch shape, to float32 logits. */
public final class LogitsProgram {
    private final Device device;
    private final TokenInputs inputs;
    private final Tensor logits;
    private final Workspace.Prepared prepared;

    /** @param state owns the batch's own few tensors */
    public LogitsProgram(LanguageModel model, Scope state, Workspace workspace, int rows, int length) {
        this.device = model.device();
        inputs = TokenInputs.allocate(state, rows, length);
        var tape = Tape.inference();
        var hidden = model.lm().hidden(tape, inputs, null, Recompute.NONE).states();
        var head = model.lm().head();
        logits = tape.result(tape.in(head.name(), () -> tape.apply(
                new Logits(head.weight().matrix(), 0), hidden, tape.parameter(head.bias()))));
        prepared = workspace.prepare(Planner.plan(tape.recording(), device));
    }

    /** Logits [rows * length, vocabulary]. */
    public float[] run(Batch batch) {
        BatchInputs.write(device, batch, inputs);
        prepared.run();
        return Eager.floats(device, logits);
    }
}
