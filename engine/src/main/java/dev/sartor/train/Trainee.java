package dev.sartor.train;

import dev.sartor.optim.Trained;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What is trained, an adapter or a whole model, and how it is written for others. */
public interface Trainee {
    List<Trained> trained();

    /** Settings that decide what training does, in words: a run is resumed only with the same ones. */
    String description();

    /** Writes it in the layout of PEFT or Transformers into a directory that exists. */
    void save(Path directory) throws IOException;
}
