package dev.sartor.cli;

import dev.sartor.train.Evaluation;
import dev.sartor.train.ExpertLoad;
import dev.sartor.train.RouterReport;
import dev.sartor.train.TrainingListener;
import dev.sartor.train.TrainingResult;
import java.nio.file.Path;
import java.time.Duration;

/** Tells a person how a run goes, and hands everything on to the metrics. */
final class ConsoleListener implements TrainingListener {
    private final TrainingListener metrics;

    ConsoleListener(TrainingListener metrics) {
        this.metrics = metrics;
    }

    @Override
    public void logged(Progress progress) {
        var routers = progress.routers().map(ConsoleListener::routers).orElse("");
        System.out.println("step %d/%d  loss %.4f%s  grad norm %.3f  lr %.2e  %,.0f tokens/s  %s left".formatted(
                progress.step(), progress.totalSteps(), progress.loss(), routers, progress.gradientNorm(), progress.learningRate(),
                progress.tokensPerSecond(), time(progress.secondsLeft())));
        metrics.logged(progress);
    }

    @Override
    public void evaluated(long step, Evaluation evaluation) {
        System.out.println("step %d  evaluation loss %.4f, perplexity %.2f over %,d tokens".formatted(
                step, evaluation.loss(), evaluation.perplexity(), evaluation.tokens()));
        metrics.evaluated(step, evaluation);
    }

    @Override
    public void saved(long step, Path checkpoint) {
        System.out.println("step " + step + "  saved " + checkpoint);
        metrics.saved(step, checkpoint);
    }

    @Override
    public void finished(TrainingResult result) {
        System.out.println("%d steps in %s, %,.0f tokens/s".formatted(
                result.steps(), time(result.seconds()), result.tokens() / result.seconds()));
        metrics.finished(result);
    }

    /** The load-balancing loss if there is one, and the busiest expert of all layers. */
    private static String routers(RouterReport report) {
        double largest = report.layers().stream().mapToDouble(ExpertLoad::largest).max().orElse(0);
        double dropped = report.layers().stream().mapToDouble(ExpertLoad::dropped).sum();
        return (report.auxLoss() > 0 ? "  aux loss %.4f".formatted(report.auxLoss()) : "")
                + "  busiest expert %.2f of even".formatted(largest) + (dropped > 0 ? "  %,.0f dropped".formatted(dropped) : "");
    }

    static String time(double seconds) {
        var duration = Duration.ofSeconds(Math.round(seconds));
        return duration.toHours() > 0
                ? "%d:%02d:%02d".formatted(duration.toHours(), duration.toMinutesPart(), duration.toSecondsPart())
                : "%d:%02d".formatted(duration.toMinutes(), duration.toSecondsPart());
    }
}
