package dev.sartor.cli;

import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.peft.Adapters;
import dev.sartor.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;

/** A model with an adapter in use, if one was named. */
final class AdaptedModel implements AutoCloseable {
    static final String NAME = "default";

    private final Scope state;
    private final Adapters adapters;

    private AdaptedModel(Scope state, Adapters adapters) {
        this.state = state;
        this.adapters = adapters;
    }

    /** @param adapter directory in PEFT's layout, or null */
    static AdaptedModel of(LanguageModel model, Path adapter) throws IOException {
        var state = new Scope(Scope.Kind.STATE, model.device());
        try {
            var adapters = new Adapters(model.device(), state, model.slots(), new RandomStream(model.device(), state, 0));
            if (adapter != null) {
                adapters.load(NAME, adapter, false);
                adapters.activate(NAME);
            }
            return new AdaptedModel(state, adapters);
        } catch (IOException | RuntimeException e) {
            state.close();
            throw e;
        }
    }

    Adapters adapters() {
        return adapters;
    }

    @Override
    public void close() {
        state.close();
    }
}
