package dev.sartor.backend.reference;

import dev.sartor.device.kernel.LinearCrossEntropy;
import dev.sartor.device.kernel.Logits;

/** The projection to the vocabulary, alone and with cross-entropy. */
final class Losses {
    private Losses() {}

    static void logits(Logits k, Operands use) {
        int in = use.size(k.weight().columns());
        int vocabulary = use.size(k.weight().rows());
        int rows = use.rows("x", k.x(), in);
        double[] bias = use.readOptional("bias", k.bias(), vocabulary);
        double[] x = use.read("x", k.x());
        use.write("y", k.y(), logits(x, use.read("weight", k.weight()), bias, rows, in, k.softcap()));
    }

    static void crossEntropy(LinearCrossEntropy k, Operands use) {
        int in = use.size(k.weight().columns());
        int vocabulary = use.size(k.weight().rows());
        int rows = use.rows("x", k.x(), in);
        double[] x = use.read("x", k.x());
        double[] weight = use.read("weight", k.weight());
        double[] bias = use.readOptional("bias", k.bias(), vocabulary);
        double[] tokenWeights = use.readOptional("tokenWeights", k.tokenWeights(), rows);
        int[] targets = use.readInts("targets", k.targets(), rows);
        double[] gradient = logits(x, weight, bias, rows, in, k.softcap());
        var losses = new double[rows];
        for (int t = 0; t < rows; t++) {
            if (targets[t] >= 0) {
                use.requireIndex("targets", t, targets[t], vocabulary);
            }
            double tokenWeight = targets[t] < 0 ? 0 : tokenWeights == null ? 1 : tokenWeights[t];
            double loss = lossAndGradient(gradient, t * vocabulary, vocabulary, targets[t], tokenWeight, k.softcap());
            losses[t] = targets[t] < 0 ? 0 : loss;
        }
        use.write("losses", k.losses(), losses);
        if (k.dx() != null) {
            use.write("dx", k.dx(), Products.inputGradient(gradient, weight, rows, in, vocabulary));
        }
        if (k.dWeight() != null) {
            use.write("dWeight", k.dWeight(), Products.weightGradient(gradient, x, rows, in, vocabulary), true);
        }
        if (k.dBias() != null) {
            use.write("dBias", k.dBias(), Products.columnSums(gradient, rows, vocabulary), true);
        }
    }

    /** Logits in [from, from + vocabulary) become their gradient; a row of weight 0 becomes zeros. */
    private static double lossAndGradient(
            double[] logits, int from, int vocabulary, int target, double tokenWeight, double softcap) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int o = 0; o < vocabulary; o++) {
            largest = Math.max(largest, logits[from + o]);
        }
        double sum = 0;
        for (int o = 0; o < vocabulary; o++) {
            sum += Math.exp(logits[from + o] - largest);
        }
        double logSumExp = largest + Math.log(sum);
        double loss = target < 0 ? 0 : logSumExp - logits[from + target];
        for (int o = 0; o < vocabulary; o++) {
            double logit = logits[from + o];
            double difference = Math.exp(logit - logSumExp) - (o == target ? 1 : 0);
            logits[from + o] = tokenWeight == 0 ? 0 : tokenWeight * difference * Softcap.derivative(logit, softcap);
        }
        return loss;
    }

    private static double[] logits(double[] x, double[] weight, double[] bias, int rows, int in, double softcap) {
        int vocabulary = weight.length / in;
        double[] y = Products.forward(x, weight, rows, in, vocabulary);
        for (int i = 0; i < y.length; i++) {
            y[i] = Softcap.value(y[i] + (bias == null ? 0 : bias[i % vocabulary]), softcap);
        }
        return y;
    }
}
