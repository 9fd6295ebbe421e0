package dev.sartor.bench.peer;

import dev.sartor.device.Device;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;

/**
 * oneDNN's y = x W^T. The weight is brought into the layout that the library asks for once, when
 * this is made; x and y are row-major.
 */
public final class OneDnnMatmul implements AutoCloseable {
    private final OneDnn library;
    private final DType dtype;
    private final long yElements;
    private final MemorySegment x;
    private final MemorySegment weight;
    private final MemorySegment y;
    private final MemorySegment primitive;
    private final MemorySegment arguments;

    /**
     * @param from the device that holds xValues [rows, in] and weightValues [out, in], both float32 or
     *     both bfloat16
     */
    public OneDnnMatmul(OneDnn library, Device from, Tensor xValues, Tensor weightValues) {
        this.library = library;
        dtype = xValues.dtype();
        long rows = xValues.shape().dim(0);
        long in = xValues.shape().dim(1);
        long out = weightValues.shape().dim(0);
        yElements = rows * out;
        int code = dtype == DType.BFLOAT16 ? OneDnn.BF16 : OneDnn.F32;
        var xLayout = library.rowMajor(rows, in, code);
        var yLayout = library.rowMajor(rows, out, code);
        // W^T [in, out] of a row-major W [out, in].
        var plainLayout = library.columnMajor(in, out, code);
        var anyLayout = library.anyLayout(in, out, code);
        var description = library.matmul(xLayout, anyLayout, yLayout);
        x = library.memory(xLayout);
        from.read(xValues, library.bytes(x, xValues.spec().bytes()));
        y = library.memory(yLayout);
        weight = library.memory(library.weightsOf(description));
        var plain = library.memory(plainLayout);
        from.read(weightValues, library.bytes(plain, weightValues.spec().bytes()));
        library.reorder(plain, plainLayout, weight, library.weightsOf(description));
        primitive = library.primitive(description);
        var memories = new LinkedHashMap<Integer, MemorySegment>();
        memories.put(OneDnn.ARG_SRC, x);
        memories.put(OneDnn.ARG_WEIGHTS, weight);
        memories.put(OneDnn.ARG_DST, y);
        arguments = library.arguments(memories);
        library.destroy("memory", plain);
        library.destroy("primitive_desc", description);
        for (var layout : new MemorySegment[] {xLayout, yLayout, plainLayout, anyLayout}) {
            library.destroy("memory_desc", layout);
        }
    }

    public void run() {
        library.execute(primitive, arguments);
    }

    /** The last run's y as float32, row-major. */
    public float[] y() {
        var bytes = library.bytes(y, yElements * dtype.bytes());
        float[] values = new float[Math.toIntExact(yElements)];
        for (int i = 0; i < values.length; i++) {
            values[i] = dtype == DType.FLOAT32
                    ? bytes.getAtIndex(ValueLayout.JAVA_FLOAT, i)
                    : Float.intBitsToFloat(bytes.getAtIndex(ValueLayout.JAVA_SHORT, i) << 16);
        }
        return values;
    }

    @Override
    public void close() {
        library.destroy("primitive", primitive);
        for (var memory : new MemorySegment[] {x, weight, y}) {
            library.destroy("memory", memory);
        }
    }
}
