package dev.sartor.contract;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * A device under test.
 *
 * @param devices first the device, then others of its kind, with other numbers of threads, that must
 *     give the same bits
 */
record Subject(String label, List<Device> devices) {
    private static final Device ORACLE = new ReferenceDevice();
    private static final List<Subject> ALL = all();

    static Device oracle() {
        return ORACLE;
    }

    /** Every device that this machine has. They stay open for the life of the tests. */
    static List<Subject> present() {
        return ALL;
    }

    Device device() {
        return devices.getFirst();
    }

    private static List<Subject> all() {
        var subjects = new ArrayList<Subject>();
        subjects.add(new Subject("reference", List.of(new ReferenceDevice())));
        return List.copyOf(subjects);
    }

    @Override
    public String toString() {
        return label;
    }
}
