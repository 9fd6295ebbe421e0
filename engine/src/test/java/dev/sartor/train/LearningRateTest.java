package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against what the schedules of Transformers (optimization.py) give for these steps. */
class LearningRateTest {
    @ParameterizedTest
    @CsvSource({
        // schedule, warm-up, steps, then the rate at steps 0, 1, 2, 3, 5 and 6 for a peak of 1
        "CONSTANT, 0, 10, 1, 1, 1, 1, 1, 1",
        "CONSTANT, 4, 10, 0, 0.25, 0.5, 0.75, 1, 1",
        "LINEAR, 0, 10, 1, 0.9, 0.8, 0.7, 0.5, 0.4",
        "LINEAR, 4, 10, 0, 0.25, 0.5, 0.75, 0.8333333333333334, 0.6666666666666666",
        "LINEAR, 3, 7, 0, 0.3333333333333333, 0.6666666666666666, 1, 0.5, 0.25",
        "LINEAR, 10, 10, 0, 0.1, 0.2, 0.3, 0.5, 0.6",
        "COSINE, 0, 10, 1, 0.9755282581475768, 0.9045084971874737, 0.7938926261462366, 0.5, 0.34549150281252633",
        "COSINE, 4, 10, 0, 0.25, 0.5, 0.75, 0.9330127018922194, 0.75",
        "COSINE, 3, 7, 0, 0.3333333333333333, 0.6666666666666666, 1, 0.5, 0.14644660940672627",
    })
    void asTransformers(LearningRate.Schedule schedule, long warmup, long total, double at0, double at1, double at2, double at3,
            double at5, double at6) {
        var rate = new LearningRate(schedule, 2e-4, warmup, total);
        double[] found = {rate.at(0), rate.at(1), rate.at(2), rate.at(3), rate.at(5), rate.at(6)};
        double[] expected = {at0, at1, at2, at3, at5, at6};
        for (int i = 0; i < found.length; i++) {
            assertEquals(2e-4 * expected[i], found[i], 1e-12);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0.03, 100, 3", "0, 0.031, 100, 4", "7, 0.5, 100, 7", "0, 0, 100, 0"})
    void warmupStepsRuleOverTheRatio(long steps, double ratio, long total, long expected) {
        var defaults = TrainingArguments.defaults();
        var arguments = new TrainingArguments(1, 1, 1, LearningRate.Schedule.LINEAR, steps, ratio, OptimizerArguments.defaults(), 1, 1, total,
                1, 0, 0, 0, 1, defaults.recompute());
        assertEquals(expected, arguments.schedule(total).warmupSteps());
    }

    @ParameterizedTest
    @CsvSource({"3, 0, 7, 21", "0.5, 0, 7, 4", "3, 5, 7, 5"})
    void stepsOfARun(double epochs, long maxSteps, long perEpoch, long expected) {
        var arguments = new TrainingArguments(1, 1, 1, LearningRate.Schedule.LINEAR, 0, 0, OptimizerArguments.defaults(), 1, epochs, maxSteps,
                1, 0, 0, 0, 1, TrainingArguments.defaults().recompute());
        assertEquals(expected, arguments.totalSteps(perEpoch));
    }
}
