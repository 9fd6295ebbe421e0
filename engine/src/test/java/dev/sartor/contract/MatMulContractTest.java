package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.sartor.device.kernel.MatMul;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({MatMul.class})
class MatMulContractTest extends OpContract {
    private record Sizes(int m, int n, int k) {}

    @TestFactory
    Stream<DynamicTest> products() {
        return Stream.of(new Sizes(1, 1, 1), new Sizes(3, 17, 5), new Sizes(65, 67, 130), new Sizes(16, 16, 700)).flatMap(size ->
                Stream.of(true, false).flatMap(turnA -> Stream.of(true, false).flatMap(turnB -> Stream.of(true, false).flatMap(adds ->
                        kernel(size + (turnA ? " a turned" : "") + (turnB ? " b turned" : "") + (adds ? " added" : ""),
                                Tolerance.product(FLOAT32), f -> new MatMul(
                                        turnA ? f.random(FLOAT32, size.k, size.m) : f.random(FLOAT32, size.m, size.k),
                                        turnB ? f.random(FLOAT32, size.n, size.k) : f.random(FLOAT32, size.k, size.n),
                                        adds ? f.random(FLOAT32, size.m, size.n) : null, f.output("c", FLOAT32, size.m, size.n),
                                        0.5f, -2f, turnA, turnB))))));
    }

    @TestFactory
    Stream<DynamicTest> ontoItself() {
        return kernel("c += a b", Tolerance.product(FLOAT32), f -> {
            var c = f.changed("c", FLOAT32, 7, 9);
            return new MatMul(f.random(FLOAT32, 7, 5), f.random(FLOAT32, 5, 9), c, c, 1, 1, false, false);
        });
    }

    @TestFactory
    Stream<DynamicTest> knownValues() {
        return outcome("2 x 2", f -> new MatMul(
                        f.values(FLOAT32, new double[] {1, 2, 3, 4}, 2, 2), f.values(FLOAT32, new double[] {5, 6, 7, 8}, 2, 2), null,
                        f.output("c", FLOAT32, 2, 2), 1, 0, false, false),
                written -> assertArrayEquals(new double[] {19, 22, 43, 50}, written.getFirst().values()));
    }
}
