package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.sartor.data.Batches;
import dev.sartor.data.Collator;
import dev.sartor.model.Recompute;
import dev.sartor.peft.lora.Lora;
import dev.sartor.tape.Workspace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgramsTest {
    @TempDir
    Path temporary;

    /** Of many shapes, those used last are kept; one that was forgotten is made again and works. */
    @Test
    void theOnesUsedLastStay() throws IOException {
        var model = TinyRun.model(temporary);
        try (var run = run(model, 4); var workspace = new Workspace(run.device)) {
            var programs = new Programs(run.setup.model(), workspace, Recompute.NONE);
            var batch = TinyRun.evaluation().getFirst();
            double loss = programs.evaluation(batch).run(batch, 1).sum();
            var first = programs.evaluation(batch);
            for (int i = 1; i < Programs.MOST; i++) {
                programs.training(new BatchShape(1, i));
                assertSame(first, programs.evaluation(batch));
            }
            assertEquals(Programs.MOST, programs.size());
            for (int i = 0; i < Programs.MOST; i++) {
                programs.training(new BatchShape(2, i + 1));
            }
            assertEquals(Programs.MOST, programs.size());
            assertNotSame(first, programs.evaluation(batch));
            assertEquals(loss, programs.evaluation(batch).run(batch, 1).sum());
        }
    }

    /** The same rows padded to other lengths train the same. */
    @Test
    void paddingChangesNothing() throws IOException {
        var model = TinyRun.model(temporary);
        try (var tight = run(model, 1); var wide = run(model, 32)) {
            tight.trainer.run();
            wide.trainer.run();
            for (int step = 0; step < tight.progress.size(); step++) {
                assertEquals(tight.progress.get(step).loss(), wide.progress.get(step).loss(), 1e-5);
                assertEquals(tight.progress.get(step).learnedTokens(), wide.progress.get(step).learnedTokens());
            }
            assertArrayEquals(tight.values(), wide.values(), 1e-4f);
        }
    }

    private TinyRun run(Path model, int multiple) throws IOException {
        var rows = TinyRun.samples(12).stream().map(List::of).toList();
        return new TinyRun("cpu", model, Lora.rank(4).allLinear().build(), TinyRun.arguments(3, 1, 4, 1, 0),
                new BatchedData(Batches.inOrder(rows, 3, Collator.toMultiple(0, multiple)), 1), List.of(), temporary);
    }
}
