package dev.sartor.golden;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.util.ArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Whole models and adapters against what PyTorch, Transformers and PEFT computed ({@link Goldens}). */
class GoldenTest {
    @TestFactory
    Stream<DynamicTest> models() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        for (var family : Goldens.models()) {
            GoldenDevices.ALL.forEach(device -> tests.addAll(GoldenModel.cases(family, device)));
        }
        assertFalse(tests.isEmpty(), "no golden models in " + Goldens.directory());
        return tests.stream();
    }

    @TestFactory
    Stream<DynamicTest> adapters() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        for (var family : Goldens.models()) {
            for (var adapter : Goldens.adapters(family)) {
                GoldenDevices.ALL.forEach(device -> tests.addAll(GoldenAdapter.cases(family, adapter, device)));
            }
        }
        assertFalse(tests.isEmpty(), "no golden adapters in " + Goldens.directory());
        return tests.stream();
    }
}
