package dev.sartor.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A directory that results are written to, and the rule for what is there already: a directory with anything in it
 * (but a {@link DirectoryLock}'s file, and what a killed process left half written) is refused unless somebody asked to overwrite. Overwriting then replaces files
 * of the names that are written, and deletes nothing else. A directory that is read from, or one around it, is never
 * written to. A link to a directory is followed.
 *
 * @param overwrites whether it may be one that has something in it
 * @param inputs what is read, and so never written to
 */
public record OutputDirectory(Path path, boolean overwrites, List<Input> inputs) {
    /** Entries that a message names. */
    private static final int NAMED = 3;

    /**
     * Something that is read.
     *
     * @param owner whose directory it is, as a person says it: {@code the base model's}
     * @param path of a directory or a file
     */
    public record Input(String owner, Path path) {}

    public OutputDirectory {
        inputs = List.copyOf(inputs);
    }

    /** One that must be new or empty unless it is overwritten. */
    public static OutputDirectory of(Path path, boolean overwrites) {
        return new OutputDirectory(path, overwrites, List.of());
    }

    /** The same, with one more input; null adds none. */
    public OutputDirectory sparing(String owner, Path input) {
        if (input == null) {
            return this;
        }
        var more = new ArrayList<>(inputs);
        more.add(new Input(owner, input));
        return new OutputDirectory(path, overwrites, more);
    }

    /** As {@link #require(String)}, with no other remedy. */
    public void require() throws IOException {
        require("");
    }

    /**
     * Checks the rule; nothing is written.
     *
     * @param remedy what else one may do about a directory that has something in it, ending in a comma and a blank; or empty
     * @throws IllegalArgumentException if nothing may be written there
     */
    public void require(String remedy) throws IOException {
        requireNoInput();
        if (overwrites || !Files.exists(path)) {
            return;
        }
        List<String> found;
        try (Stream<Path> files = Files.list(path)) {
            found = files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals(DirectoryLock.NAME) && !AtomicFiles.isTemporary(name)).sorted().toList();
        }
        if (!found.isEmpty()) {
            throw new IllegalArgumentException(where() + "is not empty, it holds "
                    + String.join(", ", found.subList(0, Math.min(NAMED, found.size())))
                    + (found.size() > NAMED ? " and " + (found.size() - NAMED) + " more" : "") + "; " + remedy
                    + "choose another directory, or let files of the same names be replaced with --set overwrite_output_dir=true");
        }
    }

    /**
     * Checks only that it is a directory, or new, and that nothing is read from it.
     *
     * @throws IllegalArgumentException if not
     */
    public void requireNoInput() throws IOException {
        if (!Files.exists(path)) {
            if (Files.isSymbolicLink(path)) {
                throw new IllegalArgumentException(where() + "is a link to " + Files.readSymbolicLink(path)
                        + ", which does not exist; make that directory, or choose another");
            }
            return;
        }
        if (!Files.isDirectory(path)) {
            throw new IllegalArgumentException(where() + "is there already, and no directory; choose another");
        }
        for (var input : inputs) {
            if (Files.exists(input.path()) && (Files.isSameFile(input.path(), path)
                    || input.path().toRealPath().startsWith(path.toRealPath()))) {
                throw new IllegalArgumentException(where() + "is " + input.owner()
                        + " own directory, or one around it; choose another");
            }
        }
    }

    /**
     * Checks the rule and lets a writer fill the directory. A new one appears whole or not at all; one that is there is
     * written into.
     */
    public void write(AtomicFiles.DirectoryWriter writer) throws IOException {
        require();
        if (Files.exists(path)) {
            writer.write(path);
            return;
        }
        AtomicFiles.writeDirectory(path, folder -> {
            writer.write(folder);
            // Somebody may have made one of that name meanwhile; it would be replaced.
            OutputDirectory.of(path, false).require();
        });
    }

    private String where() {
        return "output directory " + path + ": ";
    }
}
