package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.EmbeddingBackward;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Embedding.class, EmbeddingBackward.class})
class EmbeddingContractTest extends OpContract {
    private static final int VOCABULARY = 11;

    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(FLOAT32, DType.BFLOAT16, DType.FLOAT16).flatMap(stored -> Stream.of(
                        true, false)
                .flatMap(accumulate -> kernel(
                        size + " " + dtype + " from " + stored + (accumulate ? " adding" : ""), Tolerance.elementwise(dtype),
                        f -> new Embedding(
                                f.weight(Layout.ROW_MAJOR, stored, VOCABULARY, size.width),
                                f.ints(f.randomInts(size.rows, VOCABULARY), size.rows),
                                f.target("y", accumulate, dtype, size.rows, size.width), accumulate)))));
    }

    @TestFactory
    Stream<DynamicTest> forwardFromPanels() {
        return grid((size, dtype) -> Stream.of(FLOAT32, DType.BFLOAT16).flatMap(stored -> kernel(
                size + " " + dtype + " from " + stored, Tolerance.elementwise(dtype), f -> new Embedding(
                        f.weight(Layout.PACKED, stored, VOCABULARY, size.width),
                        f.ints(f.randomInts(size.rows, VOCABULARY), size.rows),
                        f.output("y", dtype, size.rows, size.width), false))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return grid((size, dtype) -> kernel(size + " " + dtype, Tolerance.elementwise(FLOAT32), f -> new EmbeddingBackward(
                f.random(dtype, size.rows, size.width), f.ints(f.randomInts(size.rows, VOCABULARY), size.rows),
                f.changed("dTable", FLOAT32, VOCABULARY, size.width))));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return Stream.of(-1, VOCABULARY).flatMap(id -> types().flatMap(dtype -> Stream.concat(
                refused("id " + id + " " + dtype, f -> new Embedding(
                        f.weight(Layout.ROW_MAJOR, dtype, VOCABULARY, 8), f.ints(new int[] {0, 10, id}, 3),
                        f.output("y", dtype, 3, 8), false), "" + id, "" + VOCABULARY),
                refused("id " + id + " backward " + dtype, f -> new EmbeddingBackward(
                        f.random(dtype, 3, 8), f.ints(new int[] {0, 10, id}, 3),
                        f.changed("dTable", FLOAT32, VOCABULARY, 8)), "" + id, "" + VOCABULARY))));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return op("an id that comes twice", Tolerance::product, (g, dtype) -> {
            var table = g.parameter(VOCABULARY, 17);
            var ids = g.ints(new int[] {3, 10, 0, 3, 7}, 5);
            g.output(g.tape().apply(new dev.sartor.op.Embedding(Matrix.rowMajor(table.value()), ids, dtype), table));
        });
    }
}
