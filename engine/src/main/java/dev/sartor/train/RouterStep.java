package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.model.RouterSettings;
import dev.sartor.nn.Routed;
import dev.sartor.op.RouterLosses;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * The part of a step that concerns the routers of mixtures of experts: their losses.
 *
 * @param mask [tokens] float32, 0 for padding
 * @param scale [1] float32, this batch's share in the step's loss
 * @param losses the terminal value, [2] float32
 */
record RouterStep(RouterSettings settings, Tensor mask, Tensor scale, Var losses) {
    /** Empty where routers have no losses. */
    static Optional<RouterStep> record(Tape tape, List<Routed> routed, RouterSettings settings, BatchShape shape) {
        if (routed.isEmpty() || !settings.hasLosses()) {
            return Optional.empty();
        }
        var mask = tape.argument(TensorSpec.of(DType.FLOAT32, shape.tokens()));
        var scale = tape.argument(TensorSpec.of(DType.FLOAT32, 1));
        var op = new RouterLosses(routed.getFirst().routing().topK(), settings.auxLossCoef(), settings.zLossCoef(), mask, scale);
        var losses = tape.in("router losses", () -> tape.apply(op, routed.stream().map(Routed::logits).toArray(Var[]::new)));
        tape.result(losses);
        return Optional.of(new RouterStep(settings, mask, scale, losses));
    }

    void write(Device device, Batch batch, float share) {
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(mask.spec().bytes(), 4);
            for (int i = 0; i < batch.attentionMask().length; i++) {
                host.setAtIndex(ValueLayout.JAVA_FLOAT, i, batch.attentionMask()[i]);
            }
            device.write(host, mask);
            device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, share), scale);
        }
    }

    RouterLoss read(Device device) {
        float[] both = Eager.floats(device, losses.value());
        return new RouterLoss(both[0], both[1], settings.auxLossCoef() * both[0] + settings.zLossCoef() * both[1]);
    }
}
