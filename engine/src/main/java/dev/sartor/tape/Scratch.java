package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The largest scratch that instructions need. A model's layers are alike, so each kind is asked about once. */
public final class Scratch {
    private Scratch() {}

    /** Bytes for any of the instructions, one at a time. */
    public static long bytes(List<Instruction> instructions, Device device) {
        var kinds = new Kinds();
        long most = 0;
        for (var instruction : instructions) {
            if (kinds.add(instruction.kernel())) {
                most = Math.max(most, device.scratchBytes(instruction));
            }
        }
        return Memory.align(most);
    }

    /** The kinds of kernels seen so far, as far as a device's scratch goes. */
    public static final class Kinds {
        private final Set<Kind> seen = new HashSet<>();

        /** Whether the kernel is the first of its kind. */
        public boolean add(Kernel kernel) {
            return seen.add(new Kind(kernel));
        }
    }

    /**
     * What a device may look at, besides the numbers that all of a model's layers share: the kernel's class, its
     * tensors, the window. A class that is spelled out, for every instruction of every recording makes one.
     */
    private static final class Kind {
        private final Class<? extends Kernel> kernel;
        private final List<Tensor> tensors;
        private final int window;
        private final int hash;

        Kind(Kernel kernel) {
            this.kernel = kernel.getClass();
            var reads = kernel.reads();
            var writes = kernel.writes();
            tensors = new ArrayList<>(reads.size() + writes.size());
            tensors.addAll(reads);
            tensors.addAll(writes);
            window = kernel instanceof Attention forward ? forward.window()
                    : kernel instanceof AttentionBackward backward ? backward.window() : 0;
            int sum = 31 * this.kernel.hashCode() + window;
            for (var tensor : tensors) {
                sum = 31 * sum + tensor.spec().hashCode();
            }
            hash = sum;
        }

        @Override
        public boolean equals(Object other) {
            if (!(other instanceof Kind that) || kernel != that.kernel || window != that.window
                    || tensors.size() != that.tensors.size()) {
                return false;
            }
            for (int i = 0; i < tensors.size(); i++) {
                if (!tensors.get(i).spec().equals(that.tensors.get(i).spec())) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public int hashCode() {
            return hash;
        }
    }
}
