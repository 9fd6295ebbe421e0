package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.MatMul;
import dev.sartor.device.kernel.MuonMomentum;
import dev.sartor.device.kernel.MuonUpdate;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Muon (Jordan et al. 2024): momentum, made nearly orthogonal by a Newton-Schulz iteration, in
 * float32. It is for matrices from features to features; embeddings, the output head and vectors are
 * left to AdamW, as its author recommends.
 */
public final class Muon implements Optimizer {
    /** How an update's size follows from the matrix's; names are those of torch.optim.Muon. */
    public enum AdjustLr {
        /** sqrt(max(1, rows / columns)), as Jordan has it: Muon then wants a learning rate of its own. */
        ORIGINAL {
            @Override
            double ratio(Shape shape) {
                return Math.sqrt(Math.max(1, (double) shape.rows() / shape.last()));
            }
        },
        /** 0.2 sqrt(max(rows, columns)): updates of AdamW's size, so that one learning rate serves both (Liu et al. 2025). */
        MATCH_RMS_ADAMW {
            @Override
            double ratio(Shape shape) {
                return 0.2 * Math.sqrt(Math.max(shape.rows(), shape.last()));
            }
        };

        abstract double ratio(Shape shape);
    }

    /**
     * @param nsSteps Newton-Schulz iterations
     * @param weightDecay decoupled, of the matrices
     * @param rest for what is not a matrix
     */
    public record Settings(
            float momentum, boolean nesterov, int nsSteps, AdjustLr adjustLr, float weightDecay, AdamW.Settings rest)
            implements OptimizerSettings {
        private static final int MOST_STEPS = 100;

        public Settings {
            OptimizerSettings.require(momentum >= 0 && momentum < 1, "momentum", "in [0, 1)", momentum);
            OptimizerSettings.require(nsSteps >= 1 && nsSteps < MOST_STEPS, "ns_steps", "from 1 to 99", nsSteps);
            OptimizerSettings.requireWeightDecay(weightDecay);
        }

        /** torch.optim.Muon's momentum and steps. */
        public static Settings of(AdamW.Settings rest) {
            return new Settings(0.95f, true, 5, AdjustLr.MATCH_RMS_ADAMW, rest.weightDecay(), rest);
        }

        @Override
        public String method() {
            return "muon";
        }

        @Override
        public Optimizer create(List<Trained> trained, Scope state, Scope work) {
            return new Muon(this, trained, state, work);
        }
    }

    /** The quintic's coefficients, of Jordan's post. */
    private static final float A = 3.4445f;
    private static final float B = -4.7750f;
    private static final float C = 2.0315f;
    private static final float EPSILON = 1e-7f;

    private final Settings settings;
    private final Map<Trained, Tensor> momentum = new LinkedHashMap<>();
    private final AdamW rest;
    private final Storage[] workspace = new Storage[4];

    /**
     * @param scope owns momentum, and the moments of the rest
     * @param work owns the iteration's four matrices, which all parameters share
     */
    public Muon(Settings settings, List<Trained> trained, Scope scope, Scope work) {
        this.settings = settings;
        var matrices = trained.stream().filter(Muon::takes).toList();
        matrices.forEach(each -> momentum.put(each, scope.allocate(each.value().spec())));
        rest = new AdamW(settings.rest, trained.stream().filter(each -> !takes(each)).toList(), scope);
        long largest = matrices.stream().mapToLong(Trained::elements).max().orElse(0);
        long square = matrices.stream().mapToLong(each -> side(each.value().shape()) * side(each.value().shape())).max().orElse(0);
        for (int i = 0; i < workspace.length && !matrices.isEmpty(); i++) {
            workspace[i] = new Storage((i < 2 ? largest : square) * DType.FLOAT32.bytes());
            workspace[i].place(work.slab(Memory.align(workspace[i].bytes())), 0);
        }
    }

    private static boolean takes(Trained trained) {
        return trained.role().isMatrix() && trained.value().shape().rank() == 2;
    }

    private static long side(Shape shape) {
        return Math.min(shape.rows(), shape.last());
    }

    @Override
    public List<Kernel> step(StepInputs inputs) {
        var kernels = new ArrayList<Kernel>();
        momentum.forEach((trained, buffer) -> step(trained, buffer, inputs, kernels));
        kernels.addAll(rest.step(inputs));
        return kernels;
    }

    private void step(Trained trained, Tensor buffer, StepInputs inputs, List<Kernel> kernels) {
        var shape = trained.value().shape();
        boolean wide = shape.rows() <= shape.last();
        long side = side(shape);
        var x = new Tensor(trained.value().spec(), workspace[0], 0);
        var next = new Tensor(trained.value().spec(), workspace[1], 0);
        var gram = new Tensor(TensorSpec.of(DType.FLOAT32, side, side), workspace[2], 0);
        var polynomial = new Tensor(TensorSpec.of(DType.FLOAT32, side, side), workspace[3], 0);
        kernels.add(new MuonMomentum(
                trained.gradient(), buffer, x, inputs.gradientScale(), settings.momentum, EPSILON, settings.nesterov));
        for (int i = 0; i < settings.nsSteps; i++) {
            // The Gram matrix of the shorter side, for tall matrices from the right: no transpose is ever stored.
            kernels.add(new MatMul(x, x, null, gram, 1, 0, !wide, wide));
            kernels.add(new MatMul(gram, gram, gram, polynomial, C, B, false, false));
            kernels.add(wide
                    ? new MatMul(polynomial, x, x, next, 1, A, false, false)
                    : new MatMul(x, polynomial, x, next, 1, A, false, false));
            var before = x;
            x = next;
            next = before;
        }
        kernels.add(new MuonUpdate(trained.value(), x, inputs.schedule(trained), (float) settings.adjustLr.ratio(shape),
                trained.decay(settings.weightDecay)));
    }

    @Override
    public Map<String, Tensor> state() {
        var state = new LinkedHashMap<String, Tensor>();
        momentum.forEach((trained, buffer) -> state.put("momentum." + trained.name(), buffer));
        state.putAll(rest.state());
        return state;
    }
}
