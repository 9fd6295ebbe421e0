package dev.sartor.golden;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import java.util.List;
import java.util.function.Supplier;

/** The devices that golden cases run on. */
record GoldenDevices(String name, Supplier<Device> open) {
    static final List<GoldenDevices> ALL = List.of(
            new GoldenDevices("reference", ReferenceDevice::new), new GoldenDevices("cpu", CpuDevice::open));

    interface Body {
        void run(Device device) throws Exception;
    }

    void use(Body body) throws Exception {
        try (var device = open.get()) {
            body.run(device);
        }
    }
}
