package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.fail;

import dev.sartor.backend.reference.Floats;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** What a kernel left in a tensor. */
record Written(String name, TensorSpec spec, byte[] bytes) {
    double[] values() {
        var memory = MemorySegment.ofArray(bytes);
        var values = new double[Math.toIntExact(spec.shape().elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (spec.dtype()) {
                case INT32 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, i * 4L);
                case INT64 -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, i * 8L);
                case INT8 -> memory.get(ValueLayout.JAVA_BYTE, i);
                case UINT8 -> memory.get(ValueLayout.JAVA_BYTE, i) & 255;
                default -> Floats.get(memory, spec.dtype(), i);
            };
        }
        return values;
    }

    void assertCloseTo(Written expected, Tolerance tolerance, String context) {
        double[] actual = values();
        double[] wanted = expected.values();
        var allowed = spec.dtype().isFloat() ? tolerance
                : spec.dtype() == DType.UINT8 ? new Tolerance(0, 0, tolerance.codes()) : Tolerance.EXACT;
        double largest = Arrays.stream(wanted).filter(Double::isFinite).map(Math::abs).max().orElse(0);
        for (int i = 0; i < wanted.length; i++) {
            if (!allowed.accepts(wanted[i], actual[i], largest)) {
                fail("%s: %s %s: element %d is %s, the oracle says %s (largest %s, %s)".formatted(
                        context, name, spec, i, actual[i], wanted[i], largest, allowed));
            }
        }
    }

    void assertSameBits(Written other, String context) {
        int difference = Arrays.mismatch(bytes, other.bytes);
        if (difference >= 0) {
            int element = difference / spec.dtype().bytes();
            fail("%s: %s %s: element %d is %s, then %s".formatted(
                    context, name, spec, element, values()[element], other.values()[element]));
        }
    }
}
