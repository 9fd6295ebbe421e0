package dev.sartor.bindings;

import java.util.Locale;

/**
 * An operating system and a processor architecture, named as the native build names them.
 *
 * @param system {@code linux}, {@code macos}, {@code windows} or the system's own name
 * @param architecture {@code x86_64}, {@code aarch64} or the architecture's own name
 */
record Platform(String system, String architecture) {

    /** The platform of the running process. */
    static Platform current() {
        return of(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /** The platform for values of the system properties {@code os.name} and {@code os.arch}. */
    static Platform of(String osName, String osArch) {
        String name = osName.toLowerCase(Locale.ROOT);
        String system = name.startsWith("mac") ? "macos" : name.startsWith("windows") ? "windows" : name;
        String architecture = switch (osArch.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64", "x64" -> "x86_64";
            case "arm64", "aarch64" -> "aarch64";
            case String other -> other;
        };
        return new Platform(system, architecture);
    }

    /** File name of the shared library on this platform. */
    String libraryName() {
        return switch (system) {
            case "macos" -> "libsartor.dylib";
            case "windows" -> "sartor.dll";
            default -> "libsartor.so";
        };
    }

    /** Class path name of the library's resource, for example {@code native/linux-x86_64/libsartor.so}. */
    String resource() {
        return "native/" + this + "/" + libraryName();
    }

    @Override
    public String toString() {
        return system + "-" + architecture;
    }
}
