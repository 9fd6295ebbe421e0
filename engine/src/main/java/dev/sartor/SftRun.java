package dev.sartor;

import dev.sartor.train.DataSource;
import dev.sartor.train.Evaluation;
import dev.sartor.train.Trainer;
import dev.sartor.train.TrainingResult;
import dev.sartor.train.TrainingSetup;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletableFuture;

/** A prepared run of fine-tuning. It owns model, adapter and step memory until it is closed. */
public final class SftRun implements AutoCloseable {
    private final TrainingSetup setup;
    private final Trainer trainer;
    private final DataSource data;
    private CompletableFuture<TrainingResult> running;

    SftRun(TrainingSetup setup, Trainer trainer, DataSource data) {
        this.setup = setup;
        this.trainer = trainer;
        this.data = data;
    }

    /** Counts and warnings of the data that was read. */
    public List<String> dataNotes() {
        return data.notes();
    }

    /** What the settings do that few would want, with the remedy. */
    public List<String> warnings() {
        return setup.warnings();
    }

    /** Longest row of the training batches, in tokens. */
    public int length() {
        return data.length();
    }

    public TrainingSetup setup() {
        return setup;
    }

    /** Optimizer steps done. */
    public long step() {
        return trainer.step();
    }

    public long totalSteps() {
        return trainer.totalSteps();
    }

    /** Whether there is data to evaluate on. */
    public boolean hasEvaluation() {
        return !data.evaluation().isEmpty();
    }

    /** Evaluates as things stand. */
    public Evaluation evaluate() {
        return trainer.evaluate();
    }

    /** Goes on from a checkpoint of the same run, bit for bit. */
    public void resume(Path checkpoint) throws IOException {
        trainer.resume(checkpoint);
    }

    /** Trains on the calling thread. */
    public TrainingResult run() throws IOException {
        return trainer.run();
    }

    /** Trains on a thread of its own. */
    public SftRun start() {
        running = CompletableFuture.supplyAsync(() -> {
            try {
                return trainer.run();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }, task -> Thread.ofPlatform().name("sartor-training").start(task));
        return this;
    }

    /**
     * Waits for a started run to end.
     *
     * @throws RuntimeException whatever ended it too early
     */
    public TrainingResult await() {
        if (running == null) {
            throw new IllegalStateException("the run was not started");
        }
        try {
            return running.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** Asks the run to end after its step, with a checkpoint. */
    public void stop() {
        trainer.stop();
    }

    /** Writes what was trained: an adapter in PEFT's layout, or the model in Transformers'. */
    public void save(Path directory) throws IOException {
        Files.createDirectories(directory);
        setup.trainee().save(directory);
    }

    /** Stops a run that is under way, waits for it, and frees everything. */
    @Override
    public void close() {
        if (running != null) {
            trainer.stop();
            running.handle((result, failure) -> null).join();
        }
        trainer.close();
        setup.close();
    }
}
