package dev.sartor.backend;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The devices there are, by name. */
public final class Devices {
    /** Opens the first usable device, fastest kinds first; never the reference, which is for checking. */
    public static final String AUTO = "auto";

    /**
     * A kind of device.
     *
     * @param name as {@link #open} takes it
     * @param automatic whether {@link #AUTO} may choose it
     */
    private record Kind(String name, boolean automatic, Supplier<Device> opener) {}

    private static final List<Kind> KINDS = List.of(
            new Kind("cpu", true, CpuDevice::open), new Kind("reference", false, ReferenceDevice::new));

    private Devices() {}

    /** Whether a device can be used here. */
    public sealed interface Availability {
        String name();

        /** @param description hardware, instruction set, threads */
        record Usable(String name, String description) implements Availability {}

        /** @param reason what stands in the way, and the remedy */
        record Unusable(String name, String reason) implements Availability {}
    }

    /** Every device, tried by opening it. */
    public static List<Availability> list() {
        return KINDS.stream().map(Devices::probe).toList();
    }

    /** The names that {@link #open} takes. */
    public static List<String> names() {
        var names = new ArrayList<>(List.of(AUTO));
        KINDS.forEach(kind -> names.add(kind.name()));
        return List.copyOf(names);
    }

    /**
     * @param name of a device, or {@link #AUTO}
     * @throws IllegalArgumentException if there is no device of that name, with the names there are
     * @throws DeviceException if it cannot be used here, saying why
     */
    public static Device open(String name) {
        if (name.equals(AUTO)) {
            return openAutomatically();
        }
        return KINDS.stream()
                .filter(kind -> kind.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "there is no device '" + name + "'; expected one of " + String.join(", ", names())))
                .opener()
                .get();
    }

    private static Device openAutomatically() {
        var reasons = new ArrayList<String>();
        for (var kind : KINDS) {
            if (kind.automatic()) {
                try {
                    return kind.opener().get();
                } catch (DeviceException unusable) {
                    reasons.add(kind.name() + ": " + unusable.getMessage());
                }
            }
        }
        throw new DeviceException("no device is usable here; " + String.join("; ", reasons));
    }

    private static Availability probe(Kind kind) {
        try (var device = kind.opener().get()) {
            return new Availability.Usable(kind.name(), device.description());
        } catch (DeviceException unusable) {
            return new Availability.Unusable(kind.name(), unusable.getMessage());
        }
    }
}
