package dev.sartor.cli;

/** What to do if the machine goes down (Ctrl-C) before this is closed. */
final class ShutdownHook implements AutoCloseable {
    private final Thread thread;

    ShutdownHook(Runnable action) {
        thread = new Thread(action, "sartor-interrupt");
        Runtime.getRuntime().addShutdownHook(thread);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException e) {
            // The machine is already going down, which is what the hook is for.
            return;
        }
    }
}
