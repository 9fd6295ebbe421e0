package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Attention.class, AttentionBackward.class})
class AttentionContractTest extends OpContract {
    /** Which keys each query sees. */
    private enum Mask { CAUSAL, ALL, PACKED, PADDED, CACHED }

    private record Case(
            Mask mask, int batch, int queries, int keys, int heads, int kvHeads, int headDim, int window, float softcap) {
        long rows() {
            return (long) batch * queries;
        }

        float scale() {
            return (float) (1 / Math.sqrt(headDim));
        }

        int[] begin() {
            return range(true);
        }

        int[] end() {
            return range(false);
        }

        private int[] range(boolean begin) {
            var range = new int[batch * queries];
            for (int b = 0; b < batch; b++) {
                for (int i = 0; i < queries; i++) {
                    int first = switch (mask) {
                        case CAUSAL, ALL, CACHED -> 0;
                        case PACKED -> i < queries / 3 ? 0 : queries / 3;
                        // Padding on the left: the first queries of later rows see nothing.
                        case PADDED -> b;
                    };
                    int last = switch (mask) {
                        case CAUSAL, PACKED -> i + 1;
                        case PADDED -> Math.max(b, i + 1);
                        case ALL -> keys;
                        case CACHED -> keys - queries - b + i + 1;
                    };
                    range[b * queries + i] = begin ? first : last;
                }
            }
            return range;
        }
    }

    private static Stream<Case> cases() {
        return Stream.of(
                new Case(Mask.CAUSAL, 1, 1, 1, 1, 1, 1, 0, 0),
                new Case(Mask.CAUSAL, 2, 3, 3, 2, 1, 4, 0, 0),
                new Case(Mask.CAUSAL, 1, 17, 17, 4, 2, 16, 0, 0),
                new Case(Mask.CAUSAL, 1, 65, 65, 2, 2, 64, 0, 0),
                new Case(Mask.CAUSAL, 1, 130, 130, 3, 1, 20, 0, 0),
                new Case(Mask.CAUSAL, 2, 33, 33, 2, 1, 80, 7, 0),
                new Case(Mask.PACKED, 1, 333, 333, 8, 1, 64, 100, 0),
                new Case(Mask.CAUSAL, 1, 20, 20, 2, 1, 32, 0, 1.5f),
                new Case(Mask.ALL, 2, 9, 70, 2, 2, 8, 0, 0),
                new Case(Mask.PACKED, 1, 40, 40, 4, 1, 16, 0, 0),
                new Case(Mask.PADDED, 3, 19, 19, 2, 2, 16, 5, 2),
                new Case(Mask.CACHED, 2, 1, 65, 8, 2, 64, 0, 0),
                new Case(Mask.CACHED, 2, 5, 40, 2, 1, 17, 16, 0));
    }

    @TestFactory
    Stream<DynamicTest> forward() {
        return cases().flatMap(c -> types().flatMap(dtype -> kernel(
                c + " " + dtype, Tolerance.product(dtype), f -> forward(f, c, dtype, separate(f, c, dtype)))));
    }

    @TestFactory
    Stream<DynamicTest> forwardOfColumns() {
        return cases().filter(c -> c.queries() == c.keys()).flatMap(c -> types().flatMap(dtype -> kernel(
                c + " " + dtype, Tolerance.product(dtype), f -> forward(f, c, dtype, fused(c, fusedTensor(f, c, dtype))))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return cases().flatMap(c -> types().flatMap(dtype -> kernel(c + " " + dtype, Tolerance.product(dtype), f -> {
            var in = separate(f, c, dtype);
            var forward = forward(f, c, dtype, in);
            f.submit(forward, "forward");
            f.settle();
            return backward(f, c, dtype, forward, new Columns[] {
                Columns.of(f.output("dq", dtype, in[0].rows(), in[0].count())),
                Columns.of(f.output("dk", dtype, in[1].rows(), in[1].count())),
                Columns.of(f.output("dv", dtype, in[2].rows(), in[2].count()))
            });
        })));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfColumns() {
        return cases().filter(c -> c.queries() == c.keys()).flatMap(c -> types().flatMap(dtype -> kernel(
                c + " " + dtype, Tolerance.product(dtype), f -> {
                    var forward = forward(f, c, dtype, fused(c, fusedTensor(f, c, dtype)));
                    f.submit(forward, "forward");
                    f.settle();
                    return backward(f, c, dtype, forward, fused(c, f.changed("gradients", dtype, c.rows(), fusedWidth(c))));
                })));
    }

    /** Queries that see no key give zeros and a log-sum-exp of minus infinity. */
    @TestFactory
    Stream<DynamicTest> emptyRanges() {
        return types().flatMap(dtype -> outcome("no keys " + dtype,
                f -> {
                    var x = Columns.of(f.random(dtype, 4, 8));
                    var range = f.ints(new int[] {0, 2, 4, 3}, 1, 4);
                    return new Attention(
                            x, x, x, f.output("o", dtype, 4, 8), f.output("logSumExp", FLOAT32, 1, 1, 4), range, range, 8, 0, 1, 0);
                },
                written -> {
                    for (double value : written.get(0).values()) {
                        assertEquals(0, value);
                    }
                    for (double value : written.get(1).values()) {
                        assertEquals(Double.NEGATIVE_INFINITY, value);
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return cases().filter(c -> c.queries() < 100 && c.keys() > 1).flatMap(c -> op(
                c.toString(), Tolerance::product, (g, dtype) -> g.output(g.tape().apply(
                        op(g, c), g.activation(dtype, c.rows(), (long) c.heads() * c.headDim()),
                        g.activation(dtype, (long) c.batch() * c.keys(), (long) c.kvHeads() * c.headDim()),
                        g.activation(dtype, (long) c.batch() * c.keys(), (long) c.kvHeads() * c.headDim())))));
    }

    @TestFactory
    Stream<DynamicTest> gradientsOfAFusedInput() {
        return cases().filter(c -> c.queries() == c.keys() && c.queries() > 1 && c.queries() < 40).flatMap(c -> op(
                c.toString(), Tolerance::product, (g, dtype) -> g.output(g.tape().apply(
                        op(g, c), g.activation(dtype, c.rows(), fusedWidth(c))))));
    }

    private static dev.sartor.op.Attention op(Graph g, Case c) {
        return new dev.sartor.op.Attention(
                g.ints(c.begin(), c.batch(), c.queries()), g.ints(c.end(), c.batch(), c.queries()), c.heads(), c.kvHeads(),
                c.headDim(), c.window(), c.scale(), c.softcap());
    }

    private static Attention forward(Fixture f, Case c, DType dtype, Columns[] in) {
        return new Attention(
                in[0], in[1], in[2], f.output("o", dtype, c.rows(), (long) c.heads() * c.headDim()),
                f.output("logSumExp", FLOAT32, c.batch(), c.heads(), c.queries()),
                f.ints(c.begin(), c.batch(), c.queries()), f.ints(c.end(), c.batch(), c.queries()), c.headDim(), c.window(),
                c.scale(), c.softcap());
    }

    private static AttentionBackward backward(Fixture f, Case c, DType dtype, Attention forward, Columns[] gradients) {
        return new AttentionBackward(
                f.random(dtype, c.rows(), (long) c.heads() * c.headDim()), forward.q(), forward.k(), forward.v(), forward.o(),
                forward.logSumExp(), forward.keyBegin(), forward.keyEnd(), gradients[0], gradients[1], gradients[2],
                c.headDim(), c.window(), c.scale(), c.softcap());
    }

    private static Columns[] separate(Fixture f, Case c, DType dtype) {
        long keyRows = (long) c.batch() * c.keys();
        return new Columns[] {
            Columns.of(f.random(dtype, c.rows(), (long) c.heads() * c.headDim())),
            Columns.of(f.random(dtype, keyRows, (long) c.kvHeads() * c.headDim())),
            Columns.of(f.random(dtype, keyRows, (long) c.kvHeads() * c.headDim()))
        };
    }

    private static long fusedWidth(Case c) {
        return (long) (c.heads() + 2 * c.kvHeads()) * c.headDim();
    }

    private static Tensor fusedTensor(Fixture f, Case c, DType dtype) {
        return f.random(dtype, c.rows(), fusedWidth(c));
    }

    private static Columns[] fused(Case c, Tensor tensor) {
        long q = (long) c.heads() * c.headDim();
        long kv = (long) c.kvHeads() * c.headDim();
        return new Columns[] {new Columns(tensor, 0, q), new Columns(tensor, q, kv), new Columns(tensor, q + kv, kv)};
    }
}
