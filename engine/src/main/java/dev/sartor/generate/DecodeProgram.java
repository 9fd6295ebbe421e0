package dev.sartor.generate;

import dev.sartor.device.Device;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Sample;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.nn.Cached;
import dev.sartor.nn.KvCache;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.Embedding;
import dev.sartor.op.Logits;
import dev.sartor.tape.Planner;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The planned step of generation: takes {@code length} tokens of each sequence, adds their keys and
 * values to the cache, and samples one token from the logits of the last.
 */
final class DecodeProgram {
    private final Device device;
    private final int batch;
    private final int length;
    private final TokenInputs inputs;
    private final Tensor slots;
    private final Tensor lastRows;
    private final Tensor sampled;
    private final Workspace.Prepared prepared;

    DecodeProgram(
            LanguageModel model, KvCache cache, Scope scope, Workspace workspace, Tensor random, Sampling sampling, int length) {
        this.device = model.device();
        this.batch = (int) cache.batch();
        this.length = length;
        inputs = TokenInputs.allocate(scope, batch, length);
        slots = scope.allocate(TensorSpec.of(DType.INT32, batch, length));
        lastRows = scope.allocate(TensorSpec.of(DType.INT32, batch));
        sampled = scope.allocate(TensorSpec.of(DType.INT32, batch));
        var tape = Tape.inference();
        var hidden = model.lm().hidden(tape, inputs, new Cached(cache, slots), Recompute.NONE).states();
        var head = model.lm().head();
        tape.in(head.name(), () -> {
            // Only the last token of each sequence is asked for its successor: pick those rows.
            var last = length == 1 ? hidden
                    : tape.apply(new Embedding(Matrix.rowMajor(hidden.value()), lastRows, model.dtype()), (Var) null);
            var logits = tape.apply(new Logits(head.weight().matrix(), 0), last, tape.parameter(head.bias()));
            tape.emit(new Sample(logits.value(), sampled, null, random, sampling.temperature(), sampling.topP(), sampling.topK()));
            return null;
        });
        prepared = workspace.prepare(Planner.plan(tape.recording(), device));
    }

    /** Tokens of each sequence that a run can take. */
    int length() {
        return length;
    }

    /**
     * @param tokens [batch][0 to length] tokens to take; an empty row is idle
     * @param starts position of each row's first token: how many its cache holds
     * @return [batch] sampled tokens; those of idle rows mean nothing
     */
    int[] run(int[][] tokens, int[] starts) {
        int[] ids = new int[batch * length];
        int[] positions = new int[batch * length];
        int[] ends = new int[batch * length];
        int[] places = new int[batch * length];
        int[] last = new int[batch];
        Arrays.fill(places, -1);
        for (int row = 0; row < batch; row++) {
            last[row] = row * length + Math.max(0, tokens[row].length - 1);
            for (int i = 0; i < tokens[row].length; i++) {
                int at = row * length + i;
                ids[at] = tokens[row][i];
                positions[at] = starts[row] + i;
                places[at] = starts[row] + i;
                ends[at] = starts[row] + i + 1;
            }
        }
        try (var arena = Arena.ofConfined()) {
            write(arena, ids, inputs.ids());
            write(arena, positions, inputs.positions());
            write(arena, new int[batch * length], inputs.keyBegin());
            write(arena, ends, inputs.keyEnd());
            write(arena, places, slots);
            write(arena, last, lastRows);
            prepared.run();
            var host = arena.allocate(ValueLayout.JAVA_INT, batch);
            device.read(sampled, host);
            return host.toArray(ValueLayout.JAVA_INT);
        }
    }

    private void write(Arena arena, int[] values, Tensor to) {
        device.write(arena.allocateFrom(ValueLayout.JAVA_INT, values), to);
    }
}
