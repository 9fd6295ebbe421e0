package dev.sartor.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.optim.Trained.Role;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each optimizer over several steps, against its paper's update written out in double. */
class OptimizerTest {
    private static final int STEPS = 6;
    private static final double CLIP = 2;
    private static final double RATE = 0.02;

    static Stream<String> devices() {
        return Steps.DEVICES.keySet().stream();
    }

    private static double f(double value) {
        return (float) value;
    }

    private static void assertNear(double[] expected, double[] actual, String what) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        assertArrayEquals(expected, actual, 2e-5 * largest + 1e-7, what);
    }

    /** Algorithm 2 of Loshchilov and Hutter 2019; and LoRA+: B and vectors go faster. */
    @ParameterizedTest
    @MethodSource("devices")
    void adamW(String device) {
        try (var steps = new Steps(device).tensor(Role.MATRIX, 1, 5, 7).tensor(Role.LORA_B, 16, 7, 3).tensor(Role.VECTOR, 16, 9)
                .with(new AdamW.Settings(0.9f, 0.99f, 1e-6f, 0.1f), CLIP)) {
            double[][] p = {steps.value(0), steps.value(1), steps.value(2)};
            double[][] m = {new double[35], new double[21], new double[9]};
            double[][] v = {new double[35], new double[21], new double[9]};
            for (int t = 1; t <= STEPS; t++) {
                var gradients = steps.step(RATE, t);
                for (int k = 0; k < 3; k++) {
                    double rate = k == 0 ? RATE : 16 * RATE;
                    for (int i = 0; i < p[k].length; i++) {
                        double g = gradients.get(k)[i];
                        m[k][i] = f(0.9f) * m[k][i] + (1 - f(0.9f)) * g;
                        v[k][i] = f(0.99f) * v[k][i] + (1 - f(0.99f)) * g * g;
                        double mHat = m[k][i] / (1 - Math.pow(0.9f, t));
                        double vHat = v[k][i] / (1 - Math.pow(0.99f, t));
                        p[k][i] -= rate * (mHat / (Math.sqrt(vHat) + 1e-6) + (k < 2 ? 0.1 * p[k][i] : 0));
                    }
                    assertNear(p[k], steps.value(k), "tensor " + k + " after step " + t);
                }
            }
        }
    }

    /** Tensors of 4096 elements and more have their moments in 8 bits and stay near AdamW's; smaller ones are AdamW's. */
    @ParameterizedTest
    @MethodSource("devices")
    void adamW8Bit(String device) {
        var settings = new AdamW.Settings(0.9f, 0.99f, 1e-6f, 0.1f);
        try (var plain = tensorsOf8Bit(device).with(settings, CLIP);
                var steps = tensorsOf8Bit(device).with(new AdamW8Bit.Settings(settings), CLIP)) {
            for (int t = 1; t <= STEPS; t++) {
                plain.step(RATE, t);
                steps.step(RATE, t);
            }
            assertArrayEquals(plain.value(1), steps.value(1), "63 x 65 is one element short");
            assertArrayEquals(plain.state("v.t1"), steps.state("v.t1"));
            double[] expected = plain.value(0);
            double[] actual = steps.value(0);
            double distance = 0;
            for (int i = 0; i < expected.length; i++) {
                distance += Math.abs(expected[i] - actual[i]) / expected.length;
            }
            assertTrue(distance > 0 && distance < 0.03 * RATE * STEPS, "mean distance " + distance);
            assertEquals(4096 + 4 * 16, bytes(steps, "m.t0"));
            assertEquals(4096 + 4 * 16, bytes(steps, "v.t0"));
        }
    }

    private static Steps tensorsOf8Bit(String device) {
        return new Steps(device).tensor(Role.MATRIX, 1, 64, 64).tensor(Role.MATRIX, 1, 63, 65);
    }

    private static long bytes(Steps steps, String name) {
        return steps.optimizer.state().get(name).spec().bytes() + steps.optimizer.state().get(name + ".absmax").spec().bytes();
    }

    /** Algorithm 2 of Chen et al. 2023. */
    @ParameterizedTest
    @MethodSource("devices")
    void lion(String device) {
        try (var steps = new Steps(device).tensor(Role.MATRIX, 1, 5, 7).tensor(Role.VECTOR, 1, 9)
                .with(new Lion.Settings(0.9f, 0.99f, 0.1f), CLIP)) {
            double[][] p = {steps.value(0), steps.value(1)};
            double[][] m = {new double[35], new double[9]};
            for (int t = 1; t <= STEPS; t++) {
                var gradients = steps.step(RATE, t);
                for (int k = 0; k < 2; k++) {
                    for (int i = 0; i < p[k].length; i++) {
                        double g = gradients.get(k)[i];
                        double c = f(0.9f) * m[k][i] + (1 - f(0.9f)) * g;
                        p[k][i] -= RATE * (Math.signum(c) + (k == 0 ? 0.1 * p[k][i] : 0));
                        m[k][i] = f(0.99f) * m[k][i] + (1 - f(0.99f)) * g;
                    }
                    assertNear(p[k], steps.value(k), "tensor " + k + " after step " + t);
                }
            }
        }
    }

    /** Algorithms 4 (a matrix), 5 (a vector) and 6 of Shazeer and Stern 2018, sums as means, with weight decay. */
    @ParameterizedTest
    @MethodSource("devices")
    void adafactor(String device) {
        for (boolean relative : new boolean[] {false, true}) {
            var settings = new Adafactor.Settings(1e-30f, 1e-3f, 1f, -0.8f, 0.1f, relative, relative, false);
            try (var steps = new Steps(device).tensor(Role.MATRIX, 1, 5, 7).tensor(Role.VECTOR, 1, 9).with(settings, CLIP)) {
                double[][] p = {steps.value(0), steps.value(1)};
                double[] row = new double[5];
                double[] column = new double[7];
                double[] v = new double[9];
                for (int t = 1; t <= STEPS; t++) {
                    double rho = steps.optimizer.learningRate(RATE, t);
                    assertEquals(relative ? Math.min(1e-2, 1 / Math.sqrt(t)) : RATE, rho);
                    var gradients = steps.step(rho, t);
                    double beta2 = 1 - Math.pow(t, f(-0.8f));
                    double[] g = gradients.get(0);
                    for (int i = 0; i < 5; i++) {
                        double sum = 0;
                        for (int j = 0; j < 7; j++) {
                            sum += g[7 * i + j] * g[7 * i + j] + 1e-30;
                        }
                        row[i] = beta2 * row[i] + (1 - beta2) * sum / 7;
                    }
                    for (int j = 0; j < 7; j++) {
                        double sum = 0;
                        for (int i = 0; i < 5; i++) {
                            sum += g[7 * i + j] * g[7 * i + j] + 1e-30;
                        }
                        column[j] = beta2 * column[j] + (1 - beta2) * sum / 5;
                    }
                    double mean = Arrays.stream(row).sum() / 5;
                    double[] update = new double[35];
                    for (int i = 0; i < 35; i++) {
                        update[i] = g[i] / Math.sqrt(row[i / 7] * column[i % 7] / mean);
                    }
                    move(p[0], update, rho, relative, 0.1);
                    assertNear(p[0], steps.value(0), "the matrix after step " + t);
                    update = gradients.get(1).clone();
                    for (int i = 0; i < 9; i++) {
                        v[i] = beta2 * v[i] + (1 - beta2) * (update[i] * update[i] + 1e-30);
                        update[i] /= Math.sqrt(v[i]);
                    }
                    move(p[1], update, rho, relative, 0);
                    assertNear(p[1], steps.value(1), "the vector after step " + t);
                }
                assertEquals(5 + 7 + 9, steps.optimizer.state().values().stream().mapToLong(each -> each.shape().elements()).sum());
            }
        }
    }

    private static void move(double[] p, double[] update, double rho, boolean scaled, double weightDecay) {
        double alpha = scaled ? Math.max(1e-3, rms(p)) * rho : rho;
        double clip = Math.max(1, rms(update) / 1.0);
        for (int i = 0; i < p.length; i++) {
            p[i] = p[i] - alpha * weightDecay * p[i] - alpha * update[i] / clip;
        }
    }

    private static double rms(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(each -> each * each).sum() / values.length);
    }

    /**
     * Algorithm 1 of Defazio et al. 2024, in its own terms: x is kept, and y is made of z and x. Weights are squared
     * rates; weight decay is taken at y.
     */
    @ParameterizedTest
    @MethodSource("devices")
    void scheduleFreeAdamW(String device) {
        try (var steps = new Steps(device).tensor(Role.MATRIX, 1, 5, 7).tensor(Role.VECTOR, 1, 9)
                .with(new ScheduleFreeAdamW.Settings(0.9f, 0.99f, 1e-6f, 0.1f, 0, 2), CLIP)) {
            double[][] x = {steps.value(0), steps.value(1)};
            double[][] z = {steps.value(0), steps.value(1)};
            double[][] v = {new double[35], new double[9]};
            double beta = f(0.9f);
            double sum = 0;
            for (int t = 1; t <= STEPS; t++) {
                double rate = RATE * Math.min(1, (t - 1) / 3.0);
                sum += f(rate) * f(rate);
                double c = sum == 0 ? 0 : f(rate) * f(rate) / sum;
                double[][] y = {new double[35], new double[9]};
                for (int k = 0; k < 2; k++) {
                    for (int i = 0; i < y[k].length; i++) {
                        y[k][i] = (1 - beta) * z[k][i] + beta * x[k][i];
                    }
                    assertNear(y[k], steps.value(k), "y of tensor " + k + " before step " + t);
                }
                var gradients = steps.step(rate, t);
                for (int k = 0; k < 2; k++) {
                    for (int i = 0; i < y[k].length; i++) {
                        double g = gradients.get(k)[i];
                        v[k][i] = f(0.99f) * v[k][i] + (1 - f(0.99f)) * g * g;
                        double step = g / (Math.sqrt(v[k][i] / (1 - Math.pow(0.99f, t))) + 1e-6);
                        z[k][i] -= rate * (step + (k == 0 ? 0.1 * y[k][i] : 0));
                        x[k][i] = (1 - c) * x[k][i] + c * z[k][i];
                    }
                }
            }
            double[][] trained = {steps.value(0), steps.value(1)};
            steps.update().average();
            steps.update().average();
            for (int k = 0; k < 2; k++) {
                assertNear(x[k], steps.value(k), "the average of tensor " + k);
                assertFalse(Arrays.equals(trained[k], steps.value(k)));
            }
            steps.update().train();
            for (int k = 0; k < 2; k++) {
                assertArrayEquals(trained[k], steps.value(k), "what was trained comes back bit for bit");
            }
            assertEquals(0, steps.update().gradientNorm(), "and gradients are zero");
        }
    }

    /** Jordan et al. 2024: Nesterov momentum, five Newton-Schulz steps; AdamW for what is no matrix between features. */
    @ParameterizedTest
    @MethodSource("devices")
    void muon(String device) {
        for (var adjust : Muon.AdjustLr.values()) {
            var adamW = new AdamW.Settings(0.9f, 0.99f, 1e-6f, 0.1f);
            var settings = new Muon.Settings(0.95f, true, 5, adjust, 0.1f, adamW);
            try (var steps = new Steps(device).tensor(Role.MATRIX, 1, 5, 17).tensor(Role.LORA_B, 1, 19, 3)
                    .tensor(Role.TABLE, 1, 4, 3).tensor(Role.VECTOR, 1, 9).with(settings, CLIP);
                    var rest = new Steps(device).tensor(Role.MATRIX, 1, 5, 17).tensor(Role.LORA_B, 1, 19, 3)
                            .tensor(Role.TABLE, 1, 4, 3).tensor(Role.VECTOR, 1, 9).with(adamW, CLIP)) {
                double[][] p = {steps.value(0), steps.value(1)};
                int[] rows = {5, 19};
                double[][] buffer = {new double[5 * 17], new double[19 * 3]};
                for (int t = 1; t <= STEPS; t++) {
                    var gradients = steps.step(RATE, t);
                    rest.step(RATE, t);
                    for (int k = 0; k < 2; k++) {
                        double[] g = gradients.get(k);
                        double[] update = new double[g.length];
                        for (int i = 0; i < g.length; i++) {
                            buffer[k][i] = f(0.95f) * buffer[k][i] + (1 - f(0.95f)) * g[i];
                            update[i] = (1 - f(0.95f)) * g[i] + f(0.95f) * buffer[k][i];
                        }
                        int columns = g.length / rows[k];
                        double[][] o = NewtonSchulz.zeroPower(NewtonSchulz.matrix(update, columns), 5);
                        double ratio = adjust == Muon.AdjustLr.ORIGINAL ? Math.sqrt(Math.max(1, (double) rows[k] / columns))
                                : 0.2 * Math.sqrt(Math.max(rows[k], columns));
                        for (int i = 0; i < g.length; i++) {
                            p[k][i] = p[k][i] * (1 - RATE * 0.1) - RATE * ratio * o[i / columns][i % columns];
                        }
                        assertNear(p[k], steps.value(k), "matrix " + k + " after step " + t);
                    }
                    assertArrayEquals(rest.value(2), steps.value(2), "the table is AdamW's");
                    assertArrayEquals(rest.value(3), steps.value(3), "the vector is AdamW's");
                }
            }
        }
    }

    @Test
    void settingsAreChecked() {
        assertRefused("adam_beta1", () -> new AdamW.Settings(1, 0.9f, 1, 0));
        assertRefused("adam_beta2", () -> new Lion.Settings(0.9f, -1, 0));
        assertRefused("weight_decay", () -> new Lion.Settings(0.9f, 0.9f, -1));
        assertRefused("decay_rate", () -> new Adafactor.Settings(1e-30f, 1e-3f, 1, 0.8f, 0, false, false, false));
        assertRefused("warmup_init", () -> new Adafactor.Settings(1e-30f, 1e-3f, 1, -0.8f, 0, false, false, true));
        assertRefused("ns_steps", () -> new Muon.Settings(0.95f, true, 0, Muon.AdjustLr.ORIGINAL, 0, AdamW.Settings.defaults()));
        assertRefused("adam_beta1", () -> new ScheduleFreeAdamW.Settings(0, 0.9f, 1, 0, 0, 2));
    }

    private static void assertRefused(String key, Runnable settings) {
        var message = assertThrows(IllegalArgumentException.class, settings::run).getMessage();
        assertTrue(message.startsWith(key + ": expected "), message);
    }
}
