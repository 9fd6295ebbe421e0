package dev.sartor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.cli.recipe.Key;
import dev.sartor.cli.recipe.Keys;
import dev.sartor.cli.recipe.Recipe;
import dev.sartor.cli.recipe.RecipeException;
import dev.sartor.optim.Adafactor;
import dev.sartor.optim.AdamW;
import dev.sartor.optim.AdamW8Bit;
import dev.sartor.optim.Lion;
import dev.sartor.optim.Muon;
import dev.sartor.optim.OptimizerSettings;
import dev.sartor.optim.ScheduleFreeAdamW;
import dev.sartor.train.LearningRate;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What recipes say of optimizers, in Transformers' words. */
class OptimizerReaderTest {
    private static final AdamW.Settings ADAMW = AdamW.Settings.defaults();

    private static Recipe recipe(String... settings) {
        var recipe = new Recipe();
        for (var each : settings) {
            recipe.set(each);
        }
        return recipe;
    }

    private static OptimizerSettings settings(String... settings) {
        return OptimizerReader.read(recipe(settings)).settings();
    }

    private static String refusal(String... settings) {
        return assertThrows(IllegalArgumentException.class, () -> OptimizerReader.read(recipe(settings))).getMessage();
    }

    @Test
    void namesAndAliases() {
        assertEquals(ADAMW, settings());
        assertEquals(ADAMW, settings("optim=adamw"));
        assertEquals(new AdamW8Bit.Settings(ADAMW), settings("optim=adamw_bnb_8bit"));
        assertEquals(new AdamW8Bit.Settings(ADAMW), settings("optim=paged_adamw_8bit"));
        assertEquals(new Lion.Settings(0.9f, 0.99f, 0.1f), settings("optim=lion", "adam_beta2=0.99", "weight_decay=0.1"));
        assertEquals(Adafactor.Settings.defaults(), settings("optim=adafactor"));
        assertEquals(Muon.Settings.of(ADAMW), settings("optim=muon"));
        assertEquals(new ScheduleFreeAdamW.Settings(0.9f, 0.999f, 1e-8f, 0, 0, 2), settings("optim=schedule_free_adamw"));
    }

    /** Every name that recipes may give is read as what it says. */
    @Test
    void noNameStandsForAnother() {
        var key = Keys.all().stream().filter(each -> each.name().equals("optim")).findFirst().orElseThrow();
        for (var name : ((Key.Type.Choice) key.type()).values()) {
            assertEquals(stem(settings("optim=" + name).method()), stem(name));
        }
        var refused = assertThrows(RecipeException.class, () -> settings("optim=sgd")).getMessage();
        assertTrue(refused.contains("optim: expected one of adamw_torch, "), refused);
    }

    private static String stem(String name) {
        return name.replaceAll("paged_|_torch|_32bit|_bnb", "");
    }

    @Test
    void ownNumbersAsTextOrMap() {
        assertEquals(new Adafactor.Settings(1e-30f, 1e-3f, 2, -0.7f, 0, true, true, true), settings("optim=adafactor",
                "optim_args=scale_parameter=True, relative_step=true,warmup_init=true,clip_threshold=2,decay_rate=-0.7"));
        assertEquals(new Adafactor.Settings(1e-20f, 1e-2f, 1, -0.8f, 0, true, false, false),
                settings("optim=adafactor", "optim_args={eps: [1e-20, 1e-2], scale_parameter: true}"));
        assertEquals(new Muon.Settings(0.9f, false, 3, Muon.AdjustLr.ORIGINAL, 0, ADAMW),
                settings("optim=muon", "optim_args=momentum=0.9,nesterov=false,ns_steps=3,adjust_lr_fn=original"));
        assertEquals(new ScheduleFreeAdamW.Settings(0.9f, 0.999f, 1e-8f, 0, 1, 0),
                settings("optim=schedule_free_adamw", "optim_args=r=1,weight_lr_power=0"));
    }

    @Test
    void mistakesAreNamed() {
        assertEquals("optim_args: muon has no 'nestrov'; it has adjust_lr_fn, momentum, nesterov, ns_steps",
                refusal("optim=muon", "optim_args=nestrov=false"));
        assertEquals("optim_args: adamw_torch has no 'momentum'; it has none", refusal("optim_args=momentum=0.9"));
        assertTrue(refusal("optim=muon", "optim_args=momentum").contains("expected key=value"));
        assertTrue(refusal("optim=muon", "optim_args=momentum=fast").contains("momentum: expected a number"));
        assertTrue(refusal("optim=muon", "optim_args=ns_steps=2.5").contains("ns_steps: expected a whole number"));
        assertTrue(refusal("optim=adafactor", "optim_args=eps=1e-30").contains("eps: expected two numbers"));
        assertTrue(refusal("optim=adafactor", "optim_args=relative_step=1").contains("relative_step: expected true or false"));
        assertTrue(refusal("adam_beta1=1").startsWith("adam_beta1: expected in [0, 1)"));
    }

    @Test
    void whereStateLies() {
        assertNull(OptimizerReader.read(recipe("output_dir=out")).stateDirectory());
        assertEquals(Path.of("out"), OptimizerReader.read(recipe("output_dir=out", "optim=paged_adamw_32bit")).stateDirectory());
        assertEquals(Path.of("disk"), OptimizerReader.read(
                recipe("output_dir=out", "optim=paged_lion_32bit", "optim_state_dir=disk")).stateDirectory());
        assertEquals(Path.of("disk"), OptimizerReader.read(recipe("optim=muon", "optim_state_dir=disk")).stateDirectory());
        assertEquals(16, OptimizerReader.read(recipe("loraplus_lr_ratio=16")).loraplusLrRatio());
    }

    @Test
    void scheduleFreeKeepsItsLearningRateUp() {
        assertEquals(LearningRate.Schedule.LINEAR, RecipeReader.arguments(recipe()).lrSchedulerType());
        assertEquals(LearningRate.Schedule.CONSTANT, RecipeReader.arguments(recipe("optim=schedule_free_adamw")).lrSchedulerType());
        var refused = assertThrows(IllegalArgumentException.class,
                () -> RecipeReader.arguments(recipe("optim=schedule_free_adamw", "lr_scheduler_type=cosine")));
        assertTrue(refused.getMessage().startsWith("lr_scheduler_type: expected constant"), refused.getMessage());
    }
}
