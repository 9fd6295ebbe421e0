package dev.sartor.backend.reference;

import dev.sartor.device.Layout;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Unpack;

/** This device's panels are row-major: packing changes the type and the orientation, no more. */
final class Packing {
    private Packing() {}

    static void pack(Pack k, Operands use) {
        int rows = use.size(k.packed().rows());
        int columns = use.size(k.packed().columns());
        use.require(k.packed().layout() == Layout.PACKED, "the target's layout is " + k.packed().layout() + ", expected PACKED");
        double[] source = use.read("source", k.source(), (long) rows * columns);
        var packed = new double[source.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                packed[r * columns + c] = k.transpose() ? source[c * rows + r] : source[r * columns + c];
            }
        }
        use.write("packed", k.packed(), packed);
    }

    static void unpack(Unpack k, Operands use) {
        int rows = use.rows("y", k.y(), k.weight().columns());
        use.write("y", k.y(), use.readRows("weight", k.weight(), k.firstRow(), rows));
    }
}
