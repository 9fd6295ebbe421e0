package dev.sartor.optim;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import dev.sartor.train.UpdateProgram;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

/** An optimizer at work on a few tensors, with gradients from a fixed seed. */
final class Steps implements AutoCloseable {
    static final Map<String, Supplier<Device>> DEVICES = devices();

    private final Device device;
    private final Scope scope;
    private final List<Trained> trained = new ArrayList<>();
    private final Random random = new Random(7);
    private UpdateProgram update;
    private double maximum;
    Optimizer optimizer;

    private static Map<String, Supplier<Device>> devices() {
        var devices = new LinkedHashMap<String, Supplier<Device>>();
        devices.put("reference", ReferenceDevice::new);
        CpuDevice.instructionSets().forEach(isa -> devices.put(isa, () -> CpuDevice.open(2, isa)));
        return devices;
    }

    Steps(String name) {
        device = DEVICES.get(name).get();
        scope = new Scope(Scope.Kind.STATE, device);
    }

    /** Adds a tensor with random values, which decays if it is a matrix. */
    Steps tensor(Trained.Role role, double rate, long... dims) {
        var spec = TensorSpec.of(DType.FLOAT32, dims);
        var value = scope.allocate(spec);
        write(value, draw(spec, 0.5));
        trained.add(new Trained("t" + trained.size(), value, scope.allocate(spec), dims.length > 1, role, rate));
        return this;
    }

    /** @param maxGradNorm 0 for no clipping */
    Steps with(OptimizerSettings settings, double maxGradNorm) {
        maximum = maxGradNorm;
        optimizer = settings.create(trained, scope, scope);
        update = new UpdateProgram(device, scope, optimizer, trained, (float) maxGradNorm);
        return this;
    }

    double[] value(int index) {
        return doubles(trained.get(index).value());
    }

    double[] state(String name) {
        return doubles(optimizer.state().get(name));
    }

    double[] doubles(Tensor tensor) {
        float[] floats = Eager.floats(device, tensor);
        var values = new double[floats.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }

    /** Takes a step with new gradients, and gives them as the optimizer sees them: clipped. */
    List<double[]> step(double learningRate, int step) {
        var gradients = new ArrayList<double[]>();
        for (var each : trained) {
            float[] drawn = draw(each.value().spec(), 1.0 / step);
            write(each.gradient(), drawn);
            gradients.add(doubles(each.gradient()));
        }
        double norm = update.gradientNorm();
        update.step(learningRate, step);
        double clip = maximum == 0 ? 1 : Math.min(1, maximum / (norm + 1e-6));
        gradients.forEach(gradient -> {
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] *= clip;
            }
        });
        return gradients;
    }

    UpdateProgram update() {
        return update;
    }

    private float[] draw(TensorSpec spec, double scale) {
        var values = new float[(int) spec.shape().elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    private void write(Tensor tensor, float[] values) {
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), tensor);
        }
    }

    @Override
    public void close() {
        update.close();
        scope.close();
        device.close();
    }
}
