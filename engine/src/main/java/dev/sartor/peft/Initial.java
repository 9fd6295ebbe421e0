package dev.sartor.peft;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.quant.Weight;
import dev.sartor.tape.Parameter;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.function.LongToDoubleFunction;

/** How an adapter's tensor starts. */
@FunctionalInterface
public interface Initial {
    /**
     * @param parameters the adapter's tensors by key; those before this one have started already
     */
    record Context(Device device, long seed, Map<String, Parameter> parameters) {}

    /** Fills the parameter, which is zero. */
    void fill(Context context, Parameter target);

    static Initial zero() {
        return (context, target) -> { };
    }

    /** Uniform in [-bound, bound). */
    static Initial uniform(double bound) {
        return (context, target) -> {
            var random = new CounterRandom(context.seed(), target.name());
            write(context.device(), target, index -> (2 * random.uniform(index) - 1) * bound);
        };
    }

    /**
     * What PyTorch's Linear layers start with: {@code kaiming_uniform_} with a = sqrt(5), which is
     * uniform within 1 / sqrt(features in) (He et al. 2015).
     */
    static Initial kaimingUniform(long featuresIn) {
        return uniform(1 / Math.sqrt(featuresIn));
    }

    /** Normal around 0. */
    static Initial normal(double deviation) {
        return (context, target) -> {
            var random = new CounterRandom(context.seed(), target.name());
            write(context.device(), target, index -> random.normal(index) * deviation);
        };
    }

    /** The weight's own elements. */
    static Initial copyOf(Weight weight) {
        return (context, target) ->
                Eager.run(context.device(), target.name(), new Unpack(weight.matrix(), target.value(), 0));
    }

    /** The parameter's own elements. */
    static Initial copyOf(Parameter parameter) {
        return (context, target) ->
                Eager.run(context.device(), target.name(), new Convert(parameter.value(), target.value()));
    }

    private static void write(Device device, Parameter target, LongToDoubleFunction element) {
        if (!device.hasValues()) {
            return;
        }
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(target.value().spec().bytes(), 4);
            for (long i = 0; i < target.value().shape().elements(); i++) {
                host.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) element.applyAsDouble(i));
            }
            device.write(host, target.value());
        }
    }
}
