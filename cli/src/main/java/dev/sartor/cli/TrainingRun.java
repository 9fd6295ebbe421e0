package dev.sartor.cli;

import dev.sartor.Sft;
import dev.sartor.SftRun;
import dev.sartor.cli.recipe.Recipe;
import dev.sartor.io.AtomicFiles;
import dev.sartor.io.DirectoryLock;
import dev.sartor.io.Json;
import dev.sartor.io.OutputDirectory;
import dev.sartor.model.Recompute;
import dev.sartor.train.Checkpoint;
import dev.sartor.train.MemoryPlan;
import java.io.IOException;
import java.nio.file.Path;

/** A training run on the command line: plan, progress, Ctrl-C, results. */
final class TrainingRun {
    private final Recipe recipe;

    TrainingRun(Recipe recipe) {
        this.recipe = recipe;
    }

    /**
     * @param fresh whether to start from random weights
     * @return the exit status
     */
    int run(boolean fresh) throws IOException {
        var model = Path.of(recipe.required("model_name_or_path"));
        recipe.required("dataset_name");
        var output = Path.of(recipe.required("output_dir"));
        var arguments = RecipeReader.arguments(recipe);
        var adapter = RecipeReader.adapter(recipe);
        var dtype = RunOptions.dtype(recipe);
        var quantization = QuantizationKeys.read(recipe);
        boolean resumes = recipe.has("resume_from_checkpoint");
        boolean overwrites = recipe.flag("overwrite_output_dir", false);
        if (resumes && overwrites) {
            throw new IllegalArgumentException("overwrite_output_dir: replaces an earlier run, and resume_from_checkpoint goes on"
                    + " with it; leave one out");
        }
        var target = RunOptions.output(output, recipe).sparing("the base model's", model);
        requireOwn(target, resumes);
        try (var made = MadeDirectory.of(output);
                var lock = DirectoryLock.of(output);
                var engine = RunOptions.engine(recipe);
                var metrics = new MetricsLog(output.resolve("metrics.jsonl"), resumes)) {
            // Another run may have ended between the first look and the lock.
            requireOwn(target, resumes);
            for (var left : AtomicFiles.sweep(output)) {
                System.out.println("deleted " + output.resolve(left) + ", which a run that was killed had left half written");
            }
            var sft = Sft.on(engine).model(model).adapter(adapter).dtype(dtype).quantization(quantization)
                    .routers(RecipeReader.routers(recipe))
                    .data(RecipeReader.data(recipe)).arguments(arguments).output(output).room(this::requireRoom);
            if (RecipeReader.automaticRecompute(recipe)) {
                sft.fitInto(RecipeReader.memoryHere(recipe) - JvmMemory.FIXED_BYTES);
            }
            if (fresh) {
                sft.fromScratch();
            }
            var listener = new ConsoleListener(metrics);
            try (var run = sft.prepare(listener)) {
                run.dataNotes().forEach(System.out::println);
                run.warnings().forEach(warning -> System.err.println("sartor: warning: " + warning));
                System.out.println("%s; %,d trained parameters; %d steps".formatted(
                        engine.device().description(), run.setup().trainedParameters(), run.totalSteps()));
                if (overwrites) {
                    int deleted = Checkpoint.deleteAll(output);
                    System.out.println("overwrite_output_dir: %d checkpoints of an earlier run deleted".formatted(deleted));
                }
                if (resumes) {
                    resume(run, output);
                    metrics.keepTo(run.step());
                }
                return train(run, output, listener);
            }
        }
    }

    private static void requireOwn(OutputDirectory target, boolean resumes) throws IOException {
        if (resumes) {
            target.requireNoInput();
        } else {
            target.require(Checkpoint.latest(target.path()).isPresent() ? "go on with --set resume_from_checkpoint=latest, " : "");
        }
    }

    private void requireRoom(MemoryPlan.Fitted fitted) {
        var plan = fitted.plan();
        long total = JvmMemory.FIXED_BYTES + plan.bytes();
        long limit = RecipeReader.memoryHere(recipe);
        long wished = RecipeReader.memory(recipe);
        if (wished > limit) {
            System.out.println("max_memory is %,d MiB, and this machine has %,d MiB: planned for these".formatted(
                    mebibytes(wished), mebibytes(limit)));
        }
        if (plan.optimizerFile() > 0) {
            System.out.println("optimizer state of %,d MiB in a mapped file".formatted(mebibytes(plan.optimizerFile())));
        }
        System.out.println("peak memory planned %,d MiB; recomputation: %s, because %s".formatted(
                mebibytes(total), fitted.recompute().description(), because(fitted, limit)));
        if (total > limit) {
            throw new IllegalArgumentException(("the run needs %,d MiB and %s %,d MiB: weights %,d + adapter and gradients"
                    + " %,d + optimizer %,d + activations %,d + scratch %,d + JVM %,d MiB; lower per_device_train_batch_size or"
                    + " max_length%s").formatted(mebibytes(total), recipe.has("max_memory") && wished <= limit ? "max_memory is" : "this machine has",
                            mebibytes(limit), mebibytes(plan.weights() + plan.mapped()), mebibytes(plan.adapters()),
                            mebibytes(plan.optimizer()), mebibytes(plan.activations()), mebibytes(plan.scratch()),
                            mebibytes(JvmMemory.FIXED_BYTES),
                            fitted.recompute() == Recompute.most() ? "" : ", or set gradient_checkpointing=true"));
        }
    }

    private String because(MemoryPlan.Fitted fitted, long limit) {
        if (!RecipeReader.automaticRecompute(recipe)) {
            return "gradient_checkpointing says so";
        }
        var have = "%,d MiB are there".formatted(mebibytes(limit));
        return fitted.rejected().isEmpty() ? have
                : "with less it would be %,d MiB and %s".formatted(
                        mebibytes(JvmMemory.FIXED_BYTES + fitted.rejected().getLast().bytes()), have);
    }

    private static long mebibytes(long bytes) {
        return bytes >> 20;
    }

    private void resume(SftRun run, Path output) throws IOException {
        var wanted = recipe.required("resume_from_checkpoint");
        var checkpoint = wanted.equals("latest")
                ? Checkpoint.latest(output).orElseThrow(() -> new IllegalArgumentException(
                        "resume_from_checkpoint: " + output + " has no checkpoint-N directory"))
                : Path.of(wanted);
        run.resume(checkpoint);
        System.out.println("resumed from " + checkpoint);
    }

    private int train(SftRun run, Path output, ConsoleListener listener) throws IOException {
        // A resumed run's was told before it stopped.
        if (run.hasEvaluation() && run.step() == 0) {
            listener.evaluated(run.step(), run.evaluate());
        }
        var interruption = new Interruption(run);
        try {
            var result = run.run();
            if (result.stopped()) {
                System.out.println("stopped after %d steps; go on with --set resume_from_checkpoint=latest".formatted(result.steps()));
                return 130;
            }
            run.save(output);
            Json.write(output.resolve("recipe.json"), recipe.tree());
            System.out.println("saved to " + output);
            return 0;
        } catch (IOException | RuntimeException e) {
            if (interruption.underWay()) {
                // The machine goes down as soon as the hook returns: nobody after us could say this.
                System.err.println("sartor: " + Failures.describe(e));
            }
            throw e;
        } finally {
            interruption.over();
        }
    }

    /** Ctrl-C: lets the step end and the checkpoint be written before the machine goes down. */
    private static final class Interruption {
        private final ShutdownHook hook;
        private final Object lock = new Object();
        private boolean over;
        private volatile boolean stopping;

        Interruption(SftRun run) {
            hook = new ShutdownHook(() -> {
                System.err.println("\nsartor: stopping after this step, and saving");
                stopping = true;
                run.stop();
                synchronized (lock) {
                    while (!over) {
                        try {
                            lock.wait();
                        } catch (InterruptedException e) {
                            return;
                        }
                    }
                }
            });
        }

        /** Whether somebody pressed Ctrl-C. */
        boolean underWay() {
            return stopping;
        }

        void over() {
            synchronized (lock) {
                over = true;
                lock.notifyAll();
            }
            hook.close();
        }
    }
}
