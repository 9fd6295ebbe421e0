package dev.sartor.device;

/** Some rows of a matrix as a matrix of their own, so that a large one can be made piece by piece. */
public final class RowBlocks {
    private RowBlocks() {}

    /**
     * How many rows to take at a time.
     *
     * @param rows in all
     * @param bytes of a block, about
     * @return a multiple of {@link Device#PANEL_ROWS}, or all of them
     */
    public static long count(long rows, long rowBytes, long bytes) {
        long panel = rowBytes * Device.PANEL_ROWS;
        return Math.min(rows, Math.max(1, bytes / Math.max(1, panel)) * Device.PANEL_ROWS);
    }

    /**
     * Rows of a dense packed matrix.
     *
     * @param first a multiple of {@link Device#PANEL_ROWS}
     * @param count such a multiple too, unless these are the last
     */
    public static Matrix packed(Device device, Matrix whole, long first, long count) {
        requirePanels(whole, first, count);
        long start = first == 0 ? 0 : device.packedBytes(first, whole.columns(), whole.dtype());
        return new Matrix(count, whole.columns(), Layout.PACKED, whole.dtype(),
                whole.data().slice(start, device.packedBytes(count, whole.columns(), whole.dtype())));
    }

    /**
     * Rows of a quantized row-major matrix that has neither nested scales nor outlier columns.
     *
     * @param first as {@link #packed} takes it
     */
    public static Matrix quantized(Matrix whole, long first, long count) {
        requirePanels(whole, first, count);
        var type = whole.quantization().type();
        long columns = whole.columns();
        var codes = whole.data().reshape(whole.data().shape().elements())
                .slice(type.rowMajorBytes(first, columns), type.rowMajorBytes(count, columns));
        long scale = type.rowMajorScales(first, columns);
        long scales = type.rowMajorScales(count, columns);
        return new Matrix(count, columns, Layout.ROW_MAJOR, codes, switch (whole.quantization()) {
            case Quantization.FourBit four when four.nested() == null ->
                    new Quantization.FourBit(type, four.absmax().slice(scale, scales), null);
            case Quantization.RowWise8 eight when eight.outliers() == null ->
                    new Quantization.RowWise8(eight.scale().slice(scale, scales), null);
            default -> throw new IllegalArgumentException("nested scales and outlier columns belong to the whole matrix");
        });
    }

    private static void requirePanels(Matrix whole, long first, long count) {
        if (first % Device.PANEL_ROWS != 0 || count % Device.PANEL_ROWS != 0 && first + count != whole.rows()) {
            throw new IllegalArgumentException("rows " + first + " to " + (first + count) + " of " + whole.rows()
                    + " are no whole panels of " + Device.PANEL_ROWS);
        }
    }
}
