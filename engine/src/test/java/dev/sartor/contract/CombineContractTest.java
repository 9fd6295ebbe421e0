package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.Combine;
import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.tensor.DType;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Combine.class, CombineBackward.class})
class CombineContractTest extends OpContract {
    private record Sizes(int tokens, int experts, int topK, int width, long capacity) {}

    private static final List<Sizes> SIZES = List.of(
            new Sizes(1, 1, 1, 1, 0), new Sizes(3, 8, 2, 17, 0), new Sizes(17, 5, 3, 65, 2), new Sizes(5, 4, 2, 1300, 0),
            new Sizes(70, 60, 8, 33, 4));

    private interface Test {
        Stream<DynamicTest> of(Sizes s, Skew skew, DType dtype);
    }

    private static Stream<DynamicTest> each(Test test) {
        return SIZES.stream().flatMap(s -> Stream.of(Skew.values()).flatMap(skew -> types().flatMap(dtype -> test.of(s, skew, dtype))));
    }

    private static int[] inverse(Sizes s, Skew skew) {
        return Skew.rows(skew.indices(s.tokens, s.experts, s.topK), s.experts, s.capacity).inverse();
    }

    @TestFactory
    Stream<DynamicTest> forward() {
        return each((s, skew, dtype) -> Stream.of(true, false).flatMap(weighted -> kernel(
                s + " " + skew + " " + dtype + (weighted ? " weighted" : ""), Tolerance.elementwise(dtype), f -> new Combine(
                        f.random(dtype, s.tokens * s.topK, s.width), weighted ? f.random(FLOAT32, s.tokens, s.topK) : null,
                        f.ints(inverse(s, skew), s.tokens, s.topK), f.output("out", dtype, s.tokens, s.width)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return each((s, skew, dtype) -> Stream.of("both", "dy", "dWeights").flatMap(asked -> kernel(
                s + " " + skew + " " + dtype + " " + asked, tolerance(dtype), f -> backward(f, s, skew, dtype, asked))));
    }

    /** The weights' gradients are sums of products, in float32 whatever the type. */
    private static Tolerance tolerance(DType dtype) {
        return dtype == FLOAT32 ? Tolerance.product(FLOAT32) : Tolerance.elementwise(dtype);
    }

    private static CombineBackward backward(Fixture f, Sizes s, Skew skew, DType dtype, String asked) {
        boolean dWeights = !asked.equals("dy");
        return new CombineBackward(
                f.random(dtype, s.tokens, s.width), dWeights ? f.random(dtype, s.tokens * s.topK, s.width) : null,
                asked.equals("dy") ? null : f.random(FLOAT32, s.tokens, s.topK), f.ints(inverse(s, skew), s.tokens, s.topK),
                asked.equals("dWeights") ? null : f.output("dy", dtype, s.tokens * s.topK, s.width),
                dWeights ? f.output("dWeights", FLOAT32, s.tokens, s.topK) : null);
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return SIZES.stream().filter(s -> s.width < 100).flatMap(s -> op(s.toString(), Tolerance::product, (g, dtype) -> {
            var inverse = g.tape().constant(g.ints(inverse(s, Skew.ZIPF), s.tokens, s.topK));
            g.output(g.tape().apply(new dev.sartor.op.Combine(), g.activation(dtype, s.tokens * s.topK, s.width),
                    g.activation(FLOAT32, s.tokens, s.topK), inverse));
        }));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return Stream.of(-2, 4).flatMap(bad -> refused("row " + bad, f -> new Combine(
                f.random(FLOAT32, 4, 3), null, f.ints(new int[] {0, 1, bad, -1}, 2, 2), f.output("out", FLOAT32, 2, 3)),
                "inverse[2] is " + bad));
    }
}
