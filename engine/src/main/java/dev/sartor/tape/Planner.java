package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.tensor.Storage;
import java.util.IdentityHashMap;
import java.util.Map;

/** Lays out a recording's memory: storages whose lives overlap get disjoint places in one slab. */
public final class Planner {
    private Planner() {}

    /**
     * @throws IllegalStateException if an instruction reads what nothing wrote
     */
    public static Plan plan(Recording recording, Device device) {
        var lifetimes = Lifetimes.of(recording);
        long[] bytes = lifetimes.bytes();
        var layout = lifetimes.place(bytes);
        Map<Storage, Long> offsets = new IdentityHashMap<>();
        for (int i = 0; i < bytes.length; i++) {
            offsets.put(lifetimes.storages().get(i), layout.offsets()[i]);
        }
        return new Plan(lifetimes.instructions(), offsets, layout.bytes(), Scratch.bytes(lifetimes.instructions(), device),
                lifetimes.alive(bytes));
    }
}
