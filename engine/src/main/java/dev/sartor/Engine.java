package dev.sartor;

import dev.sartor.backend.Devices;
import dev.sartor.device.Device;

/** A device opened for work: where a service begins. */
public final class Engine implements AutoCloseable {
    private final Device device;

    private Engine(Device device) {
        this.device = device;
    }

    /** Opens the best device there is. */
    public static Engine open() {
        return open(Devices.AUTO);
    }

    /**
     * @param device {@code auto}, {@code cpu} or {@code reference}
     * @throws IllegalArgumentException if there is no such device
     * @throws dev.sartor.device.DeviceException if it cannot be used here, with the reason
     */
    public static Engine open(String device) {
        return new Engine(Devices.open(device));
    }

    public Device device() {
        return device;
    }

    @Override
    public void close() {
        device.close();
    }
}
