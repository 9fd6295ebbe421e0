package dev.sartor.peft.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.nn.Linear;
import dev.sartor.nn.RandomStream;
import dev.sartor.op.Dropout;
import dev.sartor.quant.DenseWeight;
import dev.sartor.tape.Parameter;
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
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Layers with low-rank adapters against PEFT's formulas, written out. */
class DoraAdapterTest {
    private static final int ROWS = 5;
    private static final int IN = 6;
    private static final int OUT = 4;
    private static final int RANK = 2;
    private static final float SCALING = 1.5f;

    private final Device device = new ReferenceDevice();
    private final Scope scope = new Scope(Scope.Kind.STATE, device);
    private final Random random = new Random(3);
    private final Parameter w = parameter("w", OUT, IN);
    private final Parameter bias = parameter("bias", OUT);
    private final Parameter a = parameter("a", RANK, IN);
    private final Parameter b = parameter("b", OUT, RANK);
    private final Parameter magnitude = parameter("magnitude", OUT);
    private final Tensor x = parameter("x", ROWS, IN).value();
    private final RandomStream stream = new RandomStream(device, scope, 11);
    private final Linear linear = new Linear("layer", DenseWeight.frozen("w", Matrix.rowMajor(w.value())), bias, false);

    @AfterEach
    void close() {
        scope.close();
        device.close();
    }

    private Parameter parameter(String name, long... dims) {
        var tensor = scope.allocate(TensorSpec.of(DType.FLOAT32, dims));
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(tensor.spec().bytes(), 4);
            for (int i = 0; i < tensor.shape().elements(); i++) {
                host.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
            }
            device.write(host, tensor);
        }
        return Parameter.frozen(name, tensor);
    }

    private float[] run(Tape tape, Function<Tape, Var> body) {
        var result = tape.result(body.apply(tape));
        try (var workspace = new Workspace(device)) {
            workspace.prepare(Planner.plan(tape.recording(), device)).run();
            return Eager.floats(device, result);
        }
    }

    private float[] run(Tape tape, float dropout, boolean dora) {
        var lora = new LoraAdapter(a, b, SCALING, dropout, stream.tensor(), 7);
        linear.setAdapter(dora ? new DoraAdapter(lora, magnitude) : lora);
        return run(tape, t -> linear.forward(t, t.constant(x)));
    }

    /** PEFT's: base(x) + (s - 1) W d + s scaling B A d with d = dropout(x), or without DoRA base(x) + scaling B A d. */
    private double[] expected(float[] dropped, boolean dora) {
        float[] input = Eager.floats(device, x);
        var y = new double[ROWS * OUT];
        for (int row = 0; row < ROWS; row++) {
            for (int o = 0; o < OUT; o++) {
                double base = 0;
                double baseDropped = 0;
                double low = 0;
                double norm = 0;
                for (int i = 0; i < IN; i++) {
                    double delta = 0;
                    for (int k = 0; k < RANK; k++) {
                        delta += at(b, o * RANK + k) * at(a, k * IN + i);
                    }
                    double weight = at(w, o * IN + i);
                    base += weight * input[row * IN + i];
                    baseDropped += weight * dropped[row * IN + i];
                    low += delta * dropped[row * IN + i];
                    norm += Math.pow(weight + SCALING * delta, 2);
                }
                double s = dora ? at(magnitude, o) / Math.sqrt(norm) : 1;
                y[row * OUT + o] = base + at(bias, o) + (s - 1) * baseDropped + s * SCALING * low;
            }
        }
        return y;
    }

    private double at(Parameter parameter, int index) {
        return Eager.floats(device, parameter.value())[index];
    }

    private static void assertClose(double[] expected, float[] actual) {
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 1e-4, "element " + i);
        }
    }

    @Test
    void withoutDropout() {
        for (boolean dora : new boolean[] {false, true}) {
            var expected = expected(Eager.floats(device, x), dora);
            assertClose(expected, run(Tape.inference(), 0, dora));
            assertClose(expected, run(Tape.training(), 0, dora));
        }
    }

    @Test
    void dropoutActsOnWhatTrainingChangesAndInTrainingOnly() {
        stream.setStep(4);
        var dropped = run(Tape.training(), t -> t.apply(new Dropout(stream.tensor(), 7, 0.4f), t.constant(x)));
        int zeros = 0;
        for (float each : dropped) {
            zeros += each == 0 ? 1 : 0;
        }
        assertTrue(zeros > 3 && zeros < dropped.length - 3, "the mask drops " + zeros);
        for (boolean dora : new boolean[] {false, true}) {
            assertClose(expected(dropped, dora), run(Tape.training(), 0.4f, dora));
            assertClose(expected(Eager.floats(device, x), dora), run(Tape.inference(), 0.4f, dora));
        }
    }
}
