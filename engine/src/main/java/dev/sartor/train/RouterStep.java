package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.kernel.RouterStatistics;
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
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The part of a step that concerns the routers of mixtures of experts: their losses, and in training their loads.
 *
 * @param mask [tokens] float32, 0 for padding
 * @param scale [1] float32, this batch's share in the step's loss
 * @param losses the terminal value, [2] float32, if routers have losses
 * @param layers names of the mixtures whose loads are told
 * @param statistics [layers, experts + 3] float32; null where there are none
 */
record RouterStep(
        RouterSettings settings, Tensor mask, Tensor scale, Optional<Var> losses, List<String> layers, Tensor statistics) {
    /** Empty where there is nothing to tell. */
    static Optional<RouterStep> record(Tape tape, List<Routed> routed, RouterSettings settings, BatchShape shape) {
        if (routed.isEmpty() || !settings.hasLosses() && !tape.isTraining()) {
            return Optional.empty();
        }
        var mask = tape.argument(TensorSpec.of(DType.FLOAT32, shape.tokens()));
        var scale = tape.argument(TensorSpec.of(DType.FLOAT32, 1));
        var statistics = tape.isTraining() ? statistics(tape, routed, mask) : null;
        return Optional.of(new RouterStep(settings, mask, scale, losses(tape, routed, settings, mask, scale),
                tape.isTraining() ? routed.stream().map(Routed::layer).toList() : List.of(), statistics));
    }

    private static Optional<Var> losses(Tape tape, List<Routed> routed, RouterSettings settings, Tensor mask, Tensor scale) {
        if (!settings.hasLosses()) {
            return Optional.empty();
        }
        var op = new RouterLosses(
                routed.getFirst().routing().topK(), settings.auxLossCoef(), settings.routerZLossCoef(), mask, scale);
        var losses = tape.in("router losses", () -> tape.apply(op, routed.stream().map(Routed::logits).toArray(Var[]::new)));
        tape.result(losses);
        return Optional.of(losses);
    }

    private static Tensor statistics(Tape tape, List<Routed> routed, Tensor mask) {
        long width = routed.getFirst().experts() + 3L;
        var statistics = tape.result(Tensor.unplaced(TensorSpec.of(DType.FLOAT32, routed.size(), width)));
        for (int i = 0; i < routed.size(); i++) {
            var layer = routed.get(i);
            var row = statistics.slice(i, 1).reshape(width);
            tape.in(layer.layer(), () -> {
                tape.emit(new RouterStatistics(layer.logits().value(), layer.indices().value(), layer.inverse().value(), mask, row,
                        layer.routing().scoring()));
                return null;
            });
        }
        return statistics;
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

    RouterReport read(Device device) {
        float[] both = losses.map(each -> Eager.floats(device, each.value())).orElse(new float[2]);
        float[] sums = statistics == null ? new float[0] : Eager.floats(device, statistics);
        int width = layers.isEmpty() ? 0 : sums.length / layers.size();
        var loads = IntStream.range(0, layers.size())
                .mapToObj(i -> ExpertLoad.of(layers.get(i), Arrays.copyOfRange(sums, i * width, (i + 1) * width)))
                .toList();
        return new RouterReport(
                both[0], both[1], settings.auxLossCoef() * both[0] + settings.routerZLossCoef() * both[1], loads);
    }
}
