package dev.sartor.cli;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A directory made where there was none, with those around it; those that are empty in the end go again. */
final class MadeDirectory implements AutoCloseable {
    /** The innermost first. */
    private final List<Path> made;

    private MadeDirectory(List<Path> made) {
        this.made = made;
    }

    static MadeDirectory of(Path directory) throws IOException {
        var missing = new ArrayList<Path>();
        for (var each = directory.toAbsolutePath(); each != null && !Files.exists(each); each = each.getParent()) {
            missing.add(each);
        }
        Files.createDirectories(directory);
        return new MadeDirectory(missing);
    }

    @Override
    public void close() throws IOException {
        for (var each : made) {
            try {
                Files.deleteIfExists(each);
            } catch (DirectoryNotEmptyException e) {
                return;
            }
        }
    }
}
