package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.tape.Workspace;
import java.util.LinkedHashMap;

/**
 * The steps of all batch shapes of a run, each planned when it is first needed. They share one
 * workspace. Of more than {@link #MOST}, the one used longest ago is forgotten, so that data of many
 * lengths cost no more than that.
 */
public final class Programs {
    /** A program costs a megabyte or so, and a fraction of a step's time to make again. */
    static final int MOST = 16;

    private record Key(BatchShape shape, boolean training) {}

    private final LanguageModel model;
    private final Workspace workspace;
    private final Recompute recompute;
    private final LinkedHashMap<Key, LossProgram> programs = new LinkedHashMap<>(16, 0.75f, true);

    /** @param recompute what training computes again; evaluation keeps nothing anyway */
    public Programs(LanguageModel model, Workspace workspace, Recompute recompute) {
        this.model = model;
        this.workspace = workspace;
        this.recompute = recompute;
    }

    /** For steps forward only. */
    public static Programs evaluation(LanguageModel model, Workspace workspace) {
        return new Programs(model, workspace, Recompute.NONE);
    }

    /** The step that adds a batch's gradients to every trained parameter's. */
    public LossProgram training(BatchShape shape) {
        return program(new Key(shape, true));
    }

    /** The step that only tells the loss. */
    public LossProgram evaluation(BatchShape shape) {
        return program(new Key(shape, false));
    }

    public LossProgram evaluation(Batch batch) {
        return evaluation(BatchShape.of(batch));
    }

    private LossProgram program(Key key) {
        var known = programs.get(key);
        if (known != null) {
            return known;
        }
        if (programs.size() == MOST) {
            programs.pollFirstEntry().getValue().close();
        }
        var made = new LossProgram(
                model, workspace, key.shape.rows(), key.shape.length(), key.training, key.training ? recompute : Recompute.NONE);
        programs.put(key, made);
        return made;
    }

    /** How many steps are held now. */
    int size() {
        return programs.size();
    }
}
