package dev.sartor.backend.reference;

import dev.sartor.device.kernel.CacheWrite;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.EmbeddingBackward;
import dev.sartor.tensor.Columns;

/** Rows picked by index, out of tables and into KV caches. */
final class Embeddings {
    private Embeddings() {}

    static void forward(Embedding k, Operands use) {
        int width = use.size(k.table().columns());
        int rows = use.rows("y", k.y(), width);
        int[] ids = use.readIndices("ids", k.ids(), rows, k.table().rows());
        var y = new double[use.size((long) rows * width)];
        for (int t = 0; t < rows; t++) {
            System.arraycopy(use.readRows("table", k.table(), ids[t], 1), 0, y, t * width, width);
        }
        use.write("y", k.y(), y, k.accumulate());
    }

    static void backward(EmbeddingBackward k, Operands use) {
        use.require(k.dTable() != null && k.dTable().shape().rank() == 2, "dTable must be [rows, width]");
        int tableRows = use.size(k.dTable().shape().dim(0));
        int width = use.size(k.dTable().shape().dim(1));
        int rows = use.rows("dy", k.dy(), width);
        int[] ids = use.readIndices("ids", k.ids(), rows, tableRows);
        double[] dy = use.read("dy", k.dy());
        var dTable = new double[use.size((long) tableRows * width)];
        for (int i = 0; i < dy.length; i++) {
            dTable[ids[i / width] * width + i % width] += dy[i];
        }
        use.write("dTable", k.dTable(), dTable, true);
    }

    static void cacheWrite(CacheWrite k, Operands use) {
        use.require(k.cache().shape().rank() == 3, "cache is " + k.cache().spec() + ", expected [batch, capacity, width]");
        int batch = use.size(k.cache().shape().dim(0));
        int capacity = use.size(k.cache().shape().dim(1));
        int width = use.size(k.cache().shape().dim(2));
        use.require(k.x().count() == width && batch > 0 && k.x().rows() % batch == 0,
                "x has " + k.x().rows() + " rows of " + k.x().count() + " for a cache " + k.cache().spec());
        int rows = use.size(k.x().rows());
        int length = rows / batch;
        int[] slots = use.readInts("slots", k.slots(), rows);
        double[] x = use.read("x", k.x());
        for (int t = 0; t < rows; t++) {
            if (slots[t] >= 0) {
                use.requireIndex("slots", t, slots[t], capacity);
            }
        }
        var row = new double[width];
        for (int t = 0; t < rows; t++) {
            if (slots[t] >= 0) {
                System.arraycopy(x, t * width, row, 0, width);
                var place = k.cache().slice(t / length, 1).reshape(capacity, width).slice(slots[t], 1);
                use.write("cache", Columns.of(place), row, false);
            }
        }
    }
}
