package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.AttentionSink;
import dev.sartor.device.kernel.AttentionSinkBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({AttentionSink.class, AttentionSinkBackward.class})
class AttentionSinkContractTest extends OpContract {
    private record Case(int batch, int queries, int heads, int headDim) {
        Tensor random(Fixture f, DType dtype) {
            return f.random(dtype, (long) batch * queries, (long) heads * headDim);
        }
    }

    private static final Case[] CASES = {new Case(1, 1, 1, 1), new Case(2, 5, 3, 17), new Case(1, 130, 4, 64)};

    @TestFactory
    Stream<DynamicTest> forward() {
        return Stream.of(CASES).flatMap(c -> types().flatMap(dtype -> kernel(c + " " + dtype, Tolerance.elementwise(dtype),
                f -> new AttentionSink(f.changed("o", dtype, (long) c.batch * c.queries, (long) c.heads * c.headDim),
                        f.changed("logSumExp", FLOAT32, c.batch, c.heads, c.queries), f.random(FLOAT32, c.heads)))));
    }

    /** A query without keys keeps 0; of its scores the sink alone is left. */
    @TestFactory
    Stream<DynamicTest> emptyRange() {
        return kernel("no keys", Tolerance.elementwise(FLOAT32), f -> new AttentionSink(
                f.changed("o", FLOAT32, new double[] {0, 0, 1, 2}, 2, 2),
                f.changed("logSumExp", FLOAT32, new double[] {Double.NEGATIVE_INFINITY, 80}, 1, 1, 2), f.random(FLOAT32, 1)));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return Stream.of(CASES).flatMap(c -> types().flatMap(dtype -> kernel(c + " " + dtype, Tolerance.product(dtype),
                f -> new AttentionSinkBackward(c.random(f, dtype), c.random(f, dtype),
                        f.random(FLOAT32, c.batch, c.heads, c.queries), f.random(FLOAT32, c.heads),
                        f.changed("dSinks", FLOAT32, c.heads)))));
    }

    /** The output that backward reads was rounded twice in bfloat16: once without the sinks, once with them. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return op("three heads on one", dtype -> Tolerance.product(dtype).times(dtype == FLOAT32 ? 1 : 2), (g, dtype) -> {
            var begin = g.ints(new int[] {0, 0, 1, 0, 0, 2}, 2, 3);
            var end = g.ints(new int[] {1, 2, 3, 1, 2, 3}, 2, 3);
            var op = new dev.sartor.op.Attention(begin, end, 3, 1, 8, 0, 0.4f, 0);
            g.output(g.tape().apply(
                    op, g.activation(dtype, 6, 24), g.activation(dtype, 6, 8), g.activation(dtype, 6, 8), g.parameter(3)));
        });
    }
}
