package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Rope;

/** Rotary position embedding (Su et al. 2021). */
final class Rotations {
    private Rotations() {}

    static void rope(Rope k, Operands use) {
        int headDim = k.headDim();
        int width = use.size(k.x().count());
        use.require(headDim > 0 && width % headDim == 0, "x has " + width + " columns, not a number of heads of " + headDim);
        int half = use.size(k.cosine().shape().last());
        use.require(2 * half <= headDim, "tables of " + half + " angles exceed half of head_dim " + headDim);
        int positionCount = use.rows("cosine", k.cosine(), half);
        double[] cosine = use.read("cosine", k.cosine());
        double[] sine = use.read("sine", k.sine(), cosine.length);
        int[] positions = use.readIndices("positions", k.positions(), k.x().rows(), positionCount);
        double[] x = use.read("x", k.x());
        double[] y = x.clone();
        for (int head = 0; head < x.length; head += headDim) {
            int position = positions[head / width];
            for (int i = 0; i < half; i++) {
                int first = head + (k.interleaved() ? 2 * i : i);
                int second = head + (k.interleaved() ? 2 * i + 1 : i + half);
                double c = cosine[position * half + i];
                double s = k.inverse() ? -sine[position * half + i] : sine[position * half + i];
                y[first] = x[first] * c - x[second] * s;
                y[second] = x[second] * c + x[first] * s;
            }
        }
        use.write("y", k.y(), y, k.accumulate());
    }
}
