package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Dropout;
import dev.sartor.device.kernel.Jitter;
import dev.sartor.device.kernel.Zero;

/** One result for each element. */
final class Elementwise {
    private Elementwise() {}

    static void add(Add k, Operands use) {
        double[] y = use.read("a", k.a());
        double[] b = use.readOptional("b", k.b(), y.length);
        for (int i = 0; i < y.length; i++) {
            y[i] = k.alpha() * y[i] + (b == null ? 0 : k.beta() * b[i]);
        }
        use.write("y", k.y(), y);
    }

    static void dropout(Dropout k, Operands use) {
        double[] x = use.read("x", k.x());
        double[] factors = use.dropoutFactors(k.rng(), k.site(), k.probability(), x.length);
        use.write("y", k.y(), Products.masked(x, factors), k.accumulate());
    }

    static void jitter(Jitter k, Operands use) {
        double[] x = use.read("x", k.x());
        double[] uniforms = use.uniforms(k.rng(), k.site(), x.length);
        for (int i = 0; i < x.length; i++) {
            x[i] *= 1 + k.noise() * (2 * uniforms[i] - 1);
        }
        use.write("y", k.y(), x, k.accumulate());
    }

    static void convert(Convert k, Operands use) {
        use.write("y", k.y(), use.read("x", k.x()));
    }

    static void zero(Zero k, Operands use) {
        use.segment(k.y()).fill((byte) 0);
    }
}
