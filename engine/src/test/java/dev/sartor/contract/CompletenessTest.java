package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.kernel.Kernel;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Every kernel of the SPI has a contract test that answers for it. */
class CompletenessTest {
    @Test
    void everyKernelIsCovered() throws Exception {
        Set<String> covered = new TreeSet<>();
        for (var test : contractTests()) {
            var covers = test.getAnnotation(Covers.class);
            assertTrue(covers != null, test.getSimpleName() + " does not say which kernels it covers");
            Arrays.stream(covers.value()).map(Class::getSimpleName).forEach(covered::add);
        }
        Set<String> kernels = Arrays.stream(Kernel.class.getPermittedSubclasses())
                .map(Class::getSimpleName)
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(kernels, covered);
    }

    private static Set<Class<?>> contractTests() throws IOException, URISyntaxException, ClassNotFoundException {
        var folder = Path.of(CompletenessTest.class.getResource("").toURI());
        try (var files = Files.list(folder)) {
            var names = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith("Test.class"))
                    .map(name -> name.substring(0, name.length() - ".class".length()))
                    .toList();
            Set<Class<?>> tests = new java.util.HashSet<>();
            for (String name : names) {
                var type = Class.forName(CompletenessTest.class.getPackageName() + "." + name);
                if (OpContract.class.isAssignableFrom(type) && !Modifier.isAbstract(type.getModifiers())) {
                    tests.add(type);
                }
            }
            return tests;
        }
    }
}
