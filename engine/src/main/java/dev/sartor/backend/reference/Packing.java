package dev.sartor.backend.reference;

import dev.sartor.device.Layout;
import dev.sartor.device.Quantization;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Unpack;

/** This device's panels are row-major: packing changes the type and the orientation, no more. */
final class Packing {
    private Packing() {}

    static void pack(Pack k, Operands use) {
        int rows = use.size(k.packed().rows());
        int columns = use.size(k.packed().columns());
        use.require(k.packed().layout() == Layout.PACKED, "the target's layout is " + k.packed().layout() + ", expected PACKED");
        use.require(k.source().rows() * k.source().columns() == (long) rows * columns,
                "source is [" + k.source().rows() + ", " + k.source().columns() + "], packed [" + rows + ", " + columns + "]");
        if (k.packed().isQuantized()) {
            move(k, use);
            return;
        }
        double[] source = use.read("source", k.source());
        var packed = new double[source.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                packed[r * columns + c] = k.transpose() ? source[c * rows + r] : source[r * columns + c];
            }
        }
        use.write("packed", k.packed(), packed);
    }

    /** Codes and scales stay as they are; only rounding up to whole lines of memory is added. */
    private static void move(Pack k, Operands use) {
        use.require(k.source().isQuantized() && !k.transpose()
                && k.source().quantization().type() == k.packed().quantization().type(),
                "a quantized matrix is packed from a source of its own type, not transposed");
        var from = use.segment(k.source().data());
        use.segment(k.packed().data()).fill((byte) 0).asSlice(0, from.byteSize()).copyFrom(from);
        if (k.packed().quantization() instanceof Quantization.FourBit to
                && k.source().quantization() instanceof Quantization.FourBit codes) {
            use.segment(to.absmax()).copyFrom(use.segment(codes.absmax()));
        }
    }

    static void unpack(Unpack k, Operands use) {
        int rows = use.rows("y", k.y(), k.weight().columns());
        use.write("y", k.y(), use.readRows("weight", k.weight(), k.firstRow(), rows));
    }
}
