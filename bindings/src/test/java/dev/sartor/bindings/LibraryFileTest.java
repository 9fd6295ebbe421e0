package dev.sartor.bindings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Where the library is looked for, and what is said where it is missing or not one. */
class LibraryFileTest {
    private static final Platform PLATFORM = Platform.current();

    @TempDir
    private Path folder;

    private byte[] library;

    @BeforeEach
    void readLibrary() throws IOException {
        library = Files.readAllBytes(find(Map.of(), LibraryFileTest.class.getClassLoader(), PLATFORM));
    }

    private static Path find(Map<String, String> environment, ClassLoader resources, Platform platform) {
        return new LibraryFile(environment, resources, platform).find();
    }

    private static void refused(Path file, String reason) {
        var environment = Map.of(LibraryFile.LIBRARY_VARIABLE, file.toString());
        var e = assertThrows(NativeLibraryException.class,
                () -> find(environment, LibraryFileTest.class.getClassLoader(), PLATFORM));
        for (String part : List.of(reason, file.toString(), PLATFORM.toString(), "remedy:   correct SARTOR_LIBRARY")) {
            assertTrue(e.getMessage().contains(part), () -> "no \"" + part + "\" in: " + e.getMessage());
        }
    }

    private Path write(String name, byte... content) throws IOException {
        return Files.write(folder.resolve(name), content);
    }

    @Test
    void theEnvironmentNamesIt() throws IOException {
        Path own = write("own.so", library);
        assertEquals(own, find(Map.of(LibraryFile.LIBRARY_VARIABLE, own.toString()), null, PLATFORM));
    }

    @Test
    void missingFile() {
        refused(folder.resolve("nowhere.so"), "there is no such file");
    }

    @Test
    void folderInsteadOfFile() {
        refused(folder, "it is not a file");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void textFile() throws IOException {
        refused(write("text.so", "This is no library.\n".repeat(9).getBytes()), "not a shared library");
        refused(write("empty.so"), "not a shared library");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void otherMachine() throws IOException {
        boolean x86 = PLATFORM.architecture().equals("x86_64");
        library[18] = (byte) (x86 ? 183 : 62);
        refused(write("other.so", library), "the library was built for " + (x86 ? "aarch64" : "x86_64"));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void library32Bit() throws IOException {
        library[4] = 1;
        refused(write("narrow.so", library), "32-bit");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void programInsteadOfLibrary() throws IOException {
        library[16] = 2;
        refused(write("program", library), "not a shared library");
    }

    /** The dynamic linker ends the process (SIGBUS) over a library whose pages are missing. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void libraryCutShort() throws IOException {
        for (int size : new int[] {20, 63, 100, 4096, library.length / 2}) {
            refused(write("short.so", Arrays.copyOf(library, size)), "the library is cut short");
        }
    }

    @Test
    void platformWithoutLibrary() {
        var platform = Platform.of("Plan 9", "vax");
        var e = assertThrows(NativeLibraryException.class,
                () -> find(Map.of(), LibraryFileTest.class.getClassLoader(), platform));
        assertTrue(e.getMessage().contains("native/plan 9-vax/libsartor.so"), e.getMessage());
        assertTrue(e.getMessage().contains("./sartor"), e.getMessage());
    }

    @Test
    void copiedOnceOutOfAJar() throws IOException {
        Path cache = folder.resolve("cache");
        var environment = Map.of(LibraryFile.CACHE_VARIABLE, cache.toString());
        try (var resources = jar()) {
            Path first = find(environment, resources, PLATFORM);
            assertTrue(first.startsWith(cache), first.toString());
            assertArrayEquals(library, Files.readAllBytes(first));
            var written = Files.getLastModifiedTime(first);
            assertEquals(first, find(environment, resources, PLATFORM));
            assertEquals(written, Files.getLastModifiedTime(first));
            // One that was cut short, as by a full disk, is replaced.
            Files.write(first, new byte[3]);
            assertArrayEquals(library, Files.readAllBytes(find(environment, resources, PLATFORM)));
            try (var files = Files.list(first.getParent())) {
                assertEquals(List.of(first), files.toList());
            }
        }
    }

    @Test
    void cacheThatCannotBeWritten() throws IOException {
        Path file = write("file");
        try (var resources = jar()) {
            var e = assertThrows(NativeLibraryException.class,
                    () -> find(Map.of(LibraryFile.CACHE_VARIABLE, file.toString()), resources, PLATFORM));
            assertTrue(e.getMessage().contains("set SARTOR_CACHE"), e.getMessage());
            assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
        }
    }

    private URLClassLoader jar() throws IOException {
        Path jar = folder.resolve("library.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new ZipEntry(PLATFORM.resource()));
            out.write(library);
        }
        return new URLClassLoader(new URL[] {jar.toUri().toURL()}, null);
    }
}
