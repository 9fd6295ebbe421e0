package dev.sartor.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.jar.JarEntry;

/**
 * Finds the native library's file: what the environment variable {@code SARTOR_LIBRARY} names, else the
 * class path's resource {@code native/<platform>/libsartor.so}. A resource in a folder is used in place;
 * one in a jar is copied once into {@code $SARTOR_CACHE}, or {@code sartor} in the user's cache folder,
 * under a name made from its checksum.
 */
final class LibraryFile {
    static final String LIBRARY_VARIABLE = "SARTOR_LIBRARY";
    static final String CACHE_VARIABLE = "SARTOR_CACHE";

    private static final String BUILD_REMEDY =
            "build it with ./sartor (or mvn package) in Sartor's source folder, or set " + LIBRARY_VARIABLE + " to its path";

    private final Map<String, String> environment;
    private final ClassLoader resources;
    private final Platform platform;

    LibraryFile(Map<String, String> environment, ClassLoader resources, Platform platform) {
        this.environment = environment;
        this.resources = resources;
        this.platform = platform;
    }

    /**
     * The library's file, which exists and whose header fits the platform.
     *
     * @throws NativeLibraryException where there is none
     */
    Path find() {
        String named = environment.getOrDefault(LIBRARY_VARIABLE, "");
        Path file = named.isBlank() ? fromClassPath() : Path.of(named).toAbsolutePath();
        String remedy = named.isBlank() ? BUILD_REMEDY
                : "correct " + LIBRARY_VARIABLE + ", or unset it to use the library that Sartor brings";
        if (!Files.isRegularFile(file)) {
            String reason = Files.exists(file) ? "it is not a file" : "there is no such file";
            throw new NativeLibraryException(file.toString(), platform.toString(), reason, remedy, null);
        }
        try {
            String objection = platform.system().equals("linux") ? ElfHeader.objection(file, platform) : null;
            if (objection != null) {
                throw new NativeLibraryException(file.toString(), platform.toString(), objection, remedy, null);
            }
        } catch (IOException e) {
            throw new NativeLibraryException(file.toString(), platform.toString(),
                    "the file cannot be read (" + e + ")", remedy, e);
        }
        return file;
    }

    private Path fromClassPath() {
        URL url = resources.getResource(platform.resource());
        if (url == null) {
            throw new NativeLibraryException("class path resource " + platform.resource(), platform.toString(),
                    "there is none for this platform on the class path", BUILD_REMEDY, null);
        }
        try {
            return url.getProtocol().equals("file") ? Path.of(url.toURI()) : extract(url);
        } catch (URISyntaxException e) {
            throw new IllegalStateException("class loader returned a malformed address: " + url, e);
        }
    }

    private Path extract(URL url) {
        try {
            if (!(url.openConnection() instanceof JarURLConnection connection)) {
                throw new IOException("it is in no folder and in no jar");
            }
            JarEntry entry = connection.getJarEntry();
            // Checksum and size from the jar's directory: the library need not be unpacked to know which it is.
            String name = Long.toHexString(entry.getCrc()) + "-" + entry.getSize();
            Path file = cache().resolve(name).resolve(platform.libraryName());
            if (!Files.isRegularFile(file) || Files.size(file) != entry.getSize()) {
                copy(connection, file);
            }
            return file;
        } catch (IOException e) {
            throw new NativeLibraryException(url.toString(), platform.toString(),
                    "the jar's entry cannot be read (" + e + ")", "restore the jar", e);
        }
    }

    private void copy(JarURLConnection entry, Path file) throws IOException {
        byte[] content;
        try (InputStream in = entry.getInputStream()) {
            content = in.readAllBytes();
        }
        try {
            Files.createDirectories(file.getParent());
            // Written beside and renamed into place: another process sees all of it or nothing.
            Path part = Files.createTempFile(file.getParent(), "part", null);
            Files.write(part, content);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new NativeLibraryException(file.toString(), platform.toString(),
                    "it cannot be copied out of its jar (" + e + ")",
                    "set " + CACHE_VARIABLE + " to a folder that can be written, or " + LIBRARY_VARIABLE
                            + " to the library's path", e);
        }
    }

    private Path cache() {
        String own = environment.getOrDefault(CACHE_VARIABLE, "");
        if (!own.isBlank()) {
            return Path.of(own).toAbsolutePath();
        }
        String shared = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = shared.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(shared);
        return base.toAbsolutePath().resolve("sartor");
    }
}
