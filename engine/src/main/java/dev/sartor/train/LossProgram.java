package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.tape.NonFinite;
import dev.sartor.tape.Plan;
import dev.sartor.tape.Planner;
import dev.sartor.tape.Workspace;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * The planned step of one batch shape: cross-entropy of the next token and, when training, its
 * gradient added to every trained parameter's. The batch lies in the step's slab like everything else.
 */
public final class LossProgram implements AutoCloseable {
    private final Device device;
    private final LossStep step;
    private final Workspace.Prepared prepared;

    /** @param training whether gradients are wanted */
    public LossProgram(
            LanguageModel model, Workspace workspace, int rows, int length, boolean training, Recompute recompute) {
        this.device = model.device();
        step = LossStep.record(model, new BatchShape(rows, length), training, recompute);
        prepared = workspace.prepare(Planner.plan(step.recording(), device));
    }

    public Plan plan() {
        return prepared.plan();
    }

    /** As {@link #run(Batch, float, float)}, of a step's only batch. */
    public BatchLoss run(Batch batch, float tokenWeight) {
        return run(batch, tokenWeight, 1);
    }

    /**
     * Runs the step.
     *
     * @param tokenWeight weight of each learned token's loss in the gradient, such as 1 / (learned tokens)
     * @param share weight of the routers' losses in the gradient, such as 1 / (batches of the step)
     * @return the losses, unweighted
     */
    public BatchLoss run(Batch batch, float tokenWeight, float share) {
        write(batch, tokenWeight, share);
        prepared.run();
        double sum = Eager.floats(device, step.loss())[0];
        return new BatchLoss(sum, step.routers().map(routers -> routers.read(device)).orElse(RouterReport.NONE));
    }

    /** Runs the step op by op, and says where the first NaN or infinity appears. */
    public Optional<NonFinite> findNonFinite(Batch batch, float tokenWeight, float share) {
        write(batch, tokenWeight, share);
        return prepared.findNonFinite();
    }

    private void write(Batch batch, float tokenWeight, float share) {
        prepared.bind();
        step.routers().ifPresent(routers -> routers.write(device, batch, share));
        try (var arena = Arena.ofConfined()) {
            BatchInputs.write(device, batch, step.inputs());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, batch.targets()), step.targets());
            var weights = arena.allocate(ValueLayout.JAVA_FLOAT, batch.targets().length);
            for (int i = 0; i < batch.targets().length; i++) {
                weights.setAtIndex(ValueLayout.JAVA_FLOAT, i, tokenWeight);
            }
            device.write(weights, step.tokenWeights());
        }
    }

    /** Takes it from the workspace; it cannot run any more. */
    @Override
    public void close() {
        prepared.close();
    }
}
