package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.Rope;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Rope.class})
class RopeContractTest extends OpContract {
    private static final int POSITIONS = 40;

    private record Case(int rows, int heads, int headDim, int rotaryDim) {}

    private static Stream<Case> cases() {
        return Stream.of(
                new Case(1, 1, 2, 2), new Case(3, 2, 6, 6), new Case(17, 3, 64, 64), new Case(5, 2, 80, 32),
                new Case(65, 1, 128, 128));
    }

    @TestFactory
    Stream<DynamicTest> rotations() {
        return cases().flatMap(c -> types().flatMap(dtype -> Stream.of(true, false).flatMap(interleaved -> Stream.of(
                        true, false)
                .flatMap(inverse -> Stream.of(true, false).flatMap(accumulate -> kernel(
                        c + " " + dtype + (interleaved ? " interleaved" : "") + (inverse ? " inverse" : "")
                                + (accumulate ? " adding" : ""),
                        Tolerance.elementwise(dtype), f -> new Rope(
                                Columns.of(f.random(dtype, c.rows(), width(c))),
                                Columns.of(f.target("y", accumulate, dtype, c.rows(), width(c))), table(f, c, 0), table(f, c, 1),
                                f.ints(f.randomInts(c.rows(), POSITIONS), c.rows()), c.headDim(), interleaved, inverse,
                                accumulate)))))));
    }

    /** The queries' columns of a fused projection, in place: the rest stays. */
    @TestFactory
    Stream<DynamicTest> columnsInPlace() {
        return cases().flatMap(c -> types().flatMap(dtype -> kernel(c + " " + dtype, Tolerance.elementwise(dtype), f -> {
            var fused = f.changed("fused", dtype, c.rows(), width(c) + 7L);
            var part = new Columns(fused, 5, width(c));
            return new Rope(part, part, table(f, c, 0), table(f, c, 1), f.ints(f.randomInts(c.rows(), POSITIONS), c.rows()),
                    c.headDim(), false, false, false);
        })));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        var c = new Case(3, 2, 6, 6);
        return Stream.of(-1, POSITIONS).flatMap(position -> refused("position " + position, f -> new Rope(
                Columns.of(f.random(FLOAT32, 3, 12)), Columns.of(f.output("y", FLOAT32, 3, 12)), table(f, c, 0),
                table(f, c, 1), f.ints(new int[] {0, 39, position}, 3), 6, false, false, false), "" + position, "" + POSITIONS));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.of(true, false).flatMap(interleaved -> op(
                interleaved ? "interleaved" : "halves", Tolerance::chain, (g, dtype) -> {
                    var cosine = g.tensor(FLOAT32, angles(POSITIONS, 4, 0), POSITIONS, 4);
                    var sine = g.tensor(FLOAT32, angles(POSITIONS, 4, 1), POSITIONS, 4);
                    var positions = g.ints(new int[] {0, 3, 39, 17, 1}, 5);
                    g.output(g.tape().apply(
                            new dev.sartor.op.Rope(cosine, sine, positions, 10, interleaved), g.activation(dtype, 5, 20)));
                }));
    }

    private static int width(Case c) {
        return c.heads() * c.headDim();
    }

    private static Tensor table(Fixture f, Case c, int quarter) {
        return f.values(FLOAT32, angles(POSITIONS, c.rotaryDim() / 2, quarter), POSITIONS, c.rotaryDim() / 2);
    }

    /** Cosines of position * 10000^(-i / half), or sines. */
    private static double[] angles(int positions, int half, int quarter) {
        var values = new double[positions * half];
        for (int i = 0; i < values.length; i++) {
            double angle = i / half * Math.pow(10000, -(i % half) / (double) half);
            values[i] = quarter == 0 ? Math.cos(angle) : Math.sin(angle);
        }
        return values;
    }
}
