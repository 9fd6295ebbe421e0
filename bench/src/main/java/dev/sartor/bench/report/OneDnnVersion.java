package dev.sartor.bench.report;

import dev.sartor.bench.peer.OneDnn;

/** For the table of versions: a library that may not be there. */
final class OneDnnVersion {
    private OneDnnVersion() {}

    static String text() {
        try (var library = OneDnn.load()) {
            return library.version();
        } catch (IllegalStateException absent) {
            return "**absent**";
        }
    }
}
