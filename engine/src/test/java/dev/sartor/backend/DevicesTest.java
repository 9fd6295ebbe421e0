package dev.sartor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.Devices.Availability;
import dev.sartor.device.DeviceException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class DevicesTest {
    @Test
    void allDevicesAreListed() {
        var listed = Devices.list();
        assertEquals(List.of("cpu", "reference"), listed.stream().map(Availability::name).toList());
        listed.forEach(device -> assertInstanceOf(Availability.Usable.class, device));
    }

    @Test
    void devicesOpenByName() {
        for (var name : List.of("cpu", "reference")) {
            try (var device = Devices.open(name)) {
                assertEquals(name, device.name());
            }
        }
        try (var device = Devices.open(Devices.AUTO)) {
            assertEquals("cpu", device.name());
        }
    }

    /** Prints what there is, for a process of its own. */
    static final class Printing {
        public static void main(String[] arguments) {
            Devices.list().forEach(System.out::println);
            try (var device = Devices.open(Devices.AUTO)) {
                System.out.println(device.name());
            } catch (DeviceException unusable) {
                System.out.println(unusable.getMessage());
            }
        }
    }

    @Test
    void withoutItsLibraryTheCpuIsListedWithTheReason() throws Exception {
        var process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), Printing.class.getName())
                .redirectErrorStream(true);
        process.environment().put("SARTOR_LIBRARY", "no/such/libsartor.so");
        var started = process.start();
        var output = new String(started.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, started.waitFor(), output);
        assertTrue(output.contains("Unusable[name=cpu, reason=") && output.contains("no/such/libsartor.so"), output);
        assertTrue(output.contains("Usable[name=reference"), output);
        assertTrue(output.contains("no device is usable here; cpu: "), output);
    }

    @Test
    void anUnknownNameIsAnsweredWithTheKnownOnes() {
        var message = assertThrows(IllegalArgumentException.class, () -> Devices.open("cuda:0")).getMessage();
        assertEquals("there is no device 'cuda:0'; expected one of auto, cpu, reference", message);
    }
}
