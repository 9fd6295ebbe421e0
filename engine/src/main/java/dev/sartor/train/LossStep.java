package dev.sartor.train;

import dev.sartor.device.kernel.WeightedSum;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.nn.TokenInputs;
import dev.sartor.op.LinearCrossEntropy;
import dev.sartor.tape.Recording;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The recording of a step: cross-entropy of the next token and, when training, its gradient.
 *
 * @param targets [tokens] int32
 * @param tokenWeights [tokens] float32
 * @param loss [1] float32, the sum of the losses
 * @param routers what concerns routers of mixtures of experts, if there are any
 */
record LossStep(
        Recording recording, TokenInputs inputs, Tensor targets, Tensor tokenWeights, Tensor loss, Optional<RouterStep> routers) {
    /** @param training whether gradients are wanted */
    static LossStep record(LanguageModel model, BatchShape shape, boolean training, Recompute recompute) {
        var tape = training ? Tape.training(recompute != Recompute.NONE) : Tape.inference();
        var inputs = TokenInputs.arguments(tape, shape.rows(), shape.length());
        var targets = tape.argument(TensorSpec.of(DType.INT32, shape.tokens()));
        var tokenWeights = tape.argument(TensorSpec.of(DType.FLOAT32, shape.tokens()));
        var loss = tape.result(Tensor.unplaced(TensorSpec.of(DType.FLOAT32, 1)));
        var lm = model.lm();
        var hidden = lm.hidden(tape, inputs, null, recompute);
        var head = lm.head();
        var losses = tape.in(head.name(), () -> tape.apply(
                new LinearCrossEntropy(head.weight().matrix(), targets, tokenWeights, 0), hidden.states(),
                tape.parameter(head.weight().parameter()), tape.parameter(head.bias())));
        tape.in("loss", () -> {
            tape.emit(new WeightedSum(losses.value(), null, loss, false));
            return null;
        });
        var routers = RouterStep.record(tape, hidden.routed(), model.routers(), shape);
        if (training) {
            tape.backward(Stream.concat(Stream.of(losses), routers.flatMap(RouterStep::losses).stream()).toArray(Var[]::new));
        }
        return new LossStep(tape.recording(), inputs, targets, tokenWeights, loss, routers);
    }
}
