package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.optim.Trained;
import dev.sartor.tape.Plan;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * The training loop. A step gathers the gradients of its micro-batches, each learned token weighing
 * the same however they are divided, then clips and updates. Between steps the run can be stopped,
 * saved, and later resumed bit for bit.
 */
public final class Trainer implements AutoCloseable {
    private final LanguageModel model;
    private final Device device;
    private final Trainee trainee;
    private final RandomStream random;
    private final TrainingArguments arguments;
    private final TrainingData data;
    private final List<Batch> evaluationData;
    private final Path output;
    private final TrainingListener listener;
    private final Scope state;
    private final Workspace workspace;
    private final OptimizerState optimizer;
    private final List<Trained> trained;
    private final UpdateProgram update;
    private final Programs programs;
    private final CorrectionBiases biases;
    private final long totalSteps;
    private final LearningRate schedule;
    /** Which model is tuned, told when its files had just been read. */
    private final String base;
    /** Of all the training data. */
    private final long dataDigest;
    private volatile boolean stopping;
    private long step;
    private long tokens;
    private long learnedTokens;
    /** Losses of the steps since the last report. */
    private StepLoss unlogged = StepLoss.NONE;

    /**
     * @param random what dropout reads; its step is set to the micro-batch's number
     * @param evaluationData empty for none
     * @param output where checkpoints go
     * @throws IOException if there is no room for a file that optimizer state is to be mapped from
     */
    public Trainer(
            LanguageModel model, Trainee trainee, RandomStream random, TrainingArguments arguments, TrainingData data,
            List<Batch> evaluationData, Path output, TrainingListener listener) throws IOException {
        this.model = model;
        this.device = model.device();
        this.trainee = trainee;
        this.random = random;
        this.arguments = arguments;
        this.data = data;
        this.evaluationData = evaluationData;
        this.output = output;
        this.listener = listener;
        trained = arguments.optim().rated(trainee.trained());
        totalSteps = arguments.totalSteps(data.stepsPerEpoch());
        schedule = arguments.schedule(totalSteps);
        base = device.hasValues() ? model.digest() : "none";
        dataDigest = data.digest();
        state = new Scope(Scope.Kind.STATE, device);
        workspace = new Workspace(device);
        OptimizerState made = null;
        try {
            made = new OptimizerState(device, arguments.optim(), trained, state);
            update = new UpdateProgram(device, state, made.optimizer(), trained, (float) arguments.maxGradNorm());
        } catch (IOException | RuntimeException e) {
            if (made != null) {
                made.close();
            }
            state.close();
            throw e;
        }
        optimizer = made;
        biases = new CorrectionBiases(model);
        programs = new Programs(model, workspace, arguments.recompute());
    }

    /** Optimizer steps done. */
    public long step() {
        return step;
    }

    public long totalSteps() {
        return totalSteps;
    }

    /** Lays out, and makes room for, the step of a batch shape. */
    public Plan plan(int rows, int length) {
        return programs.training(new BatchShape(rows, length)).plan();
    }

    /** Lays out, and makes room for, evaluation on the largest of its batches. */
    public void planEvaluation(BatchShape largest) {
        programs.evaluation(largest);
    }

    /** The memory that all steps planned so far share. */
    Workspace workspace() {
        return workspace;
    }

    /** Bytes of the optimizer's state that are held in memory. */
    public long stateBytes() {
        return state.bytes() + optimizer.residentBytes();
    }

    /** Bytes of the file that the rest of its state is mapped from. */
    public long stateFileBytes() {
        return optimizer.fileBytes();
    }

    /** Asks the run to end after the step it is at, with a checkpoint. May be called by any thread. */
    public void stop() {
        stopping = true;
    }

    /** Goes on from a checkpoint as if the run had never stopped. */
    public void resume(Path checkpoint) throws IOException {
        update.train();
        var saved = Checkpoint.load(checkpoint, fingerprint(), device, tensors());
        step = saved.step();
        tokens = saved.tokens();
        learnedTokens = saved.learnedTokens();
        unlogged = saved.unlogged();
    }

    /** Evaluates as things stand. */
    public Evaluation evaluate() {
        update.average();
        return Evaluation.of(programs, evaluationData);
    }

    /**
     * Trains to the end, or until {@link #stop}.
     *
     * @throws TrainingException if a loss or gradient is NaN or infinite, naming the first layer and
     *     op that made it; the last checkpoint is untouched
     */
    public TrainingResult run() throws IOException {
        Files.createDirectories(output);
        listener.started(totalSteps, step);
        long begun = System.nanoTime();
        long firstTokens = tokens;
        long firstStep = step;
        long logTokens = tokens;
        long logTime = begun;
        double lastLoss = Double.NaN;
        while (step < totalSteps && !stopping) {
            update.train();
            var batches = data.step(step);
            long learned = batches.stream().mapToLong(Batch::learnedTokens).sum();
            var loss = gradients(batches, learned);
            double norm = update.gradientNorm();
            if (!Double.isFinite(norm)) {
                throw broken(batches, learned, "the norm of the gradients is " + norm);
            }
            double rate = optimizer.optimizer().learningRate(schedule.at(step), step + 1);
            update.step(rate, Math.toIntExact(step + 1));
            biases.update(loss.routersSum().layers());
            step++;
            learnedTokens += learned;
            unlogged = unlogged.plus(loss);
            lastLoss = unlogged.mean();
            // Not where the run is stopped: reports are those of a run that never was.
            if (step % arguments.loggingSteps() == 0 || step == totalSteps) {
                long now = System.nanoTime();
                double perStep = (now - begun) / 1e9 / (step - firstStep);
                listener.logged(new TrainingListener.Progress(step, totalSteps, (double) step / data.stepsPerEpoch(), lastLoss,
                        norm, rate, routers(unlogged), tokens, learnedTokens, (tokens - logTokens) / ((now - logTime) / 1e9),
                        perStep * (totalSteps - step)));
                unlogged = StepLoss.NONE;
                logTokens = tokens;
                logTime = now;
            }
            boolean last = step == totalSteps;
            if (!evaluationData.isEmpty() && (last || arguments.evalSteps() > 0 && step % arguments.evalSteps() == 0)) {
                listener.evaluated(step, evaluate());
            }
            if (!last && arguments.saveSteps() > 0 && step % arguments.saveSteps() == 0) {
                save();
            }
        }
        boolean stopped = step < totalSteps;
        if (stopped || arguments.saveSteps() > 0 && step > firstStep) {
            save();
        }
        update.average();
        var result = new TrainingResult(step, stopped, lastLoss, (System.nanoTime() - begun) / 1e9, tokens - firstTokens);
        listener.finished(result);
        return result;
    }

    private Optional<RouterReport> routers(StepLoss loss) {
        return model.lm().mixtures().isEmpty() ? Optional.empty() : Optional.of(loss.routers());
    }

    private StepLoss gradients(List<Batch> batches, long learned) {
        if (learned == 0) {
            throw new TrainingException("step " + (step + 1) + ": no token of its batch is learned;"
                    + " check the labels of the data (completion_only_loss, assistant_only_loss, max_length)");
        }
        double sum = 0;
        var routers = RouterReport.NONE;
        float share = 1f / batches.size();
        for (int i = 0; i < batches.size(); i++) {
            var batch = batches.get(i);
            random.setStep(microStep(i));
            var loss = program(batch).run(batch, 1f / learned, share);
            if (!Double.isFinite(loss.sum()) || !Double.isFinite(loss.routers().weighted())) {
                throw broken(batches, learned, "the loss is " + loss.mean(batch.learnedTokens()));
            }
            sum += loss.sum();
            routers = routers.plus(loss.routers().lossesTimes(share));
            tokens += batch.inputIds().length;
        }
        return new StepLoss(sum, learned, routers, 1);
    }

    private long microStep(int index) {
        return step * arguments.gradientAccumulationSteps() + index;
    }

    private LossProgram program(Batch batch) {
        return programs.training(BatchShape.of(batch));
    }

    /** Runs the step again, op by op, to see where it broke. */
    private TrainingException broken(List<Batch> batches, long learned, String what) {
        var weights = model.brokenWeights();
        if (weights.isPresent()) {
            return new TrainingException("step " + (step + 1) + ": " + what + ", for " + weights.get());
        }
        for (int i = 0; i < batches.size(); i++) {
            update.forget();
            random.setStep(microStep(i));
            var found = program(batches.get(i)).findNonFinite(batches.get(i), 1f / learned, 1f / batches.size());
            if (found.isPresent()) {
                return new TrainingException("step " + (step + 1) + ", micro-batch " + (i + 1) + ": " + what + ": "
                        + found.get() + ". Nothing was updated. Try a lower learning_rate, or dtype float32; the checkpoints"
                        + " before this step are good.");
            }
        }
        return new TrainingException("step " + (step + 1) + ": " + what
                + ", though each micro-batch alone is finite: their sum overflowed. Try a lower learning_rate.");
    }

    private void save() throws IOException {
        update.average();
        var checkpoint = Checkpoint.save(output, new Checkpoint.TrainerState(step, tokens, learnedTokens, unlogged, fingerprint()),
                trainee, device, tensors());
        Checkpoint.prune(output, arguments.saveTotalLimit(), checkpoint);
        listener.saved(step, checkpoint);
    }

    private Map<String, Tensor> tensors() {
        var tensors = new LinkedHashMap<String, Tensor>();
        trained.forEach(each -> tensors.put("parameter." + each.name(), update.trainedValue(each)));
        tensors.putAll(optimizer.optimizer().state());
        tensors.putAll(biases.state());
        return tensors;
    }

    /**
     * What must be the same for a resumed run to equal one that never stopped; the base model too, wherever its
     * directory lies by now.
     */
    private String fingerprint() {
        var digest = digest(data.step(0));
        return "%d steps of %d an epoch, batch %d x %d, %s, %s, norm up to %s, seed %d, %s, base %s, data %08x%s, first batch %08x, trained: %s%s"
                .formatted(totalSteps, data.stepsPerEpoch(), arguments.perDeviceTrainBatchSize(),
                        arguments.gradientAccumulationSteps(), schedule, arguments.optim().description(),
                        arguments.maxGradNorm(), arguments.seed(),
                        model.dtype(), base, dataDigest, evaluationDigest(), digest.getValue(), trainee.description(),
                        model.lm().mixtures().isEmpty() ? "" : ", " + model.routers());
    }

    /** The metrics of a run are also those of its evaluations. */
    private String evaluationDigest() {
        return evaluationData.isEmpty() ? "" : ", evaluation data %08x".formatted(digest(evaluationData).getValue());
    }

    private static CRC32 digest(List<Batch> batches) {
        var digest = new CRC32();
        for (var batch : batches) {
            for (var tokens : List.of(batch.inputIds(), batch.targets())) {
                for (int token : tokens) {
                    digest.update(token);
                    digest.update(token >> 8);
                    digest.update(token >> 16);
                }
            }
        }
        return digest;
    }

    @Override
    public void close() {
        update.close();
        workspace.close();
        optimizer.close();
        state.close();
    }
}
