package dev.sartor.backend.reference;

import dev.sartor.device.kernel.AttentionSink;
import dev.sartor.device.kernel.AttentionSinkBackward;
import dev.sartor.tensor.Tensor;

/** One more score for each head, whose value is 0. */
final class AttentionSinks {
    private AttentionSinks() {}

    private record Sizes(int batch, int heads, int queries, int headDim) {
        static Sizes of(Tensor o, Tensor logSumExp, Operands use) {
            var shape = logSumExp.shape();
            int headDim = use.size(o.shape().elements() / shape.elements());
            return new Sizes(use.size(shape.dim(0)), use.size(shape.dim(1)), use.size(shape.dim(2)), headDim);
        }

        int kept(int b, int h, int query) {
            return (b * heads + h) * queries + query;
        }

        int output(int b, int h, int query) {
            return ((b * queries + query) * heads + h) * headDim;
        }
    }

    static void forward(AttentionSink k, Operands use) {
        var n = Sizes.of(k.o(), k.logSumExp(), use);
        double[] o = use.read("o", k.o());
        double[] logSumExp = use.read("logSumExp", k.logSumExp());
        double[] sinks = use.read("sinks", k.sinks(), n.heads);
        for (int b = 0; b < n.batch; b++) {
            for (int h = 0; h < n.heads; h++) {
                for (int query = 0; query < n.queries; query++) {
                    double before = logSumExp[n.kept(b, h, query)];
                    double larger = Math.max(before, sinks[h]);
                    double after = larger + Math.log(Math.exp(before - larger) + Math.exp(sinks[h] - larger));
                    logSumExp[n.kept(b, h, query)] = after;
                    for (int i = 0; i < n.headDim; i++) {
                        o[n.output(b, h, query) + i] *= Math.exp(before - after);
                    }
                }
            }
        }
        use.write("o", k.o(), o);
        use.write("logSumExp", k.logSumExp(), logSumExp);
    }

    static void backward(AttentionSinkBackward k, Operands use) {
        var n = Sizes.of(k.o(), k.logSumExp(), use);
        double[] o = use.read("o", k.o());
        double[] dO = use.read("dO", k.dO(), o.length);
        double[] logSumExp = use.read("logSumExp", k.logSumExp());
        double[] sinks = use.read("sinks", k.sinks(), n.heads);
        var dSinks = new double[n.heads];
        for (int b = 0; b < n.batch; b++) {
            for (int h = 0; h < n.heads; h++) {
                for (int query = 0; query < n.queries; query++) {
                    double product = 0;
                    for (int i = 0; i < n.headDim; i++) {
                        product += dO[n.output(b, h, query) + i] * o[n.output(b, h, query) + i];
                    }
                    dSinks[h] -= Math.exp(sinks[h] - logSumExp[n.kept(b, h, query)]) * product;
                }
            }
        }
        use.write("dSinks", k.dSinks(), dSinks, true);
    }
}
