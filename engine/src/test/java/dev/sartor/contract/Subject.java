package dev.sartor.contract;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A device under test.
 *
 * @param devices first the device, then others of its kind, with other numbers of threads, that must
 *     give the same bits
 */
record Subject(String label, List<Device> devices) {
    private static final List<Integer> THREADS = List.of(2, 1, 3);
    private static final List<String> INSTRUCTION_SETS = CpuDevice.instructionSets();
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

    /** How to open each device once more, by label. */
    static Map<String, Supplier<Device>> openers() {
        var openers = new LinkedHashMap<String, Supplier<Device>>();
        openers.put("reference", ReferenceDevice::new);
        for (String isa : INSTRUCTION_SETS) {
            openers.put("cpu " + isa, () -> CpuDevice.open(2, isa));
        }
        return openers;
    }

    private static List<Subject> all() {
        var subjects = new ArrayList<Subject>();
        subjects.add(new Subject("reference", List.of(new ReferenceDevice())));
        for (String isa : INSTRUCTION_SETS) {
            subjects.add(new Subject("cpu " + isa, THREADS.stream().map(threads -> (Device) CpuDevice.open(threads, isa)).toList()));
        }
        if (INSTRUCTION_SETS.isEmpty()) {
            // Opening says what stands in the way; a build that cannot run its own kernels has not passed.
            CpuDevice.open().close();
        }
        return List.copyOf(subjects);
    }

    @Override
    public String toString() {
        return label;
    }
}
