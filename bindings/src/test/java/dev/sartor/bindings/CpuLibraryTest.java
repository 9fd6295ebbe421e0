package dev.sartor.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.bindings.cpu.sartor_h;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library that does not fit is refused with an explanation and leaves no trace; one that fits is loaded. */
class CpuLibraryTest {
    @TempDir
    private Path folder;

    @Test
    void loadsOnce() {
        CpuLibrary library = CpuLibrary.load();
        assertTrue(Files.isRegularFile(library.file()), library.toString());
        assertTrue(library.version().matches("\\d+\\.\\d+\\.\\d+.*"), library.toString());
        assertSame(library, CpuLibrary.load());
    }

    @Test
    void otherAbiVersion() throws Exception {
        int other = sartor_h.SARTOR_ABI_VERSION() - 1;
        Path file = compile("library", "int sartor_abi_version(void) { return " + other + "; }");
        refused(file, "its ABI version is " + other + ", and these bindings need " + sartor_h.SARTOR_ABI_VERSION());
    }

    @Test
    void libraryOfSomethingElse() throws Exception {
        refused(compile("library", "int something_else(void) { return 1; }"), "it is another library");
    }

    @Test
    void libraryThatLacksFunctions() throws Exception {
        Path file = compile("library", "int sartor_abi_version(void) { return " + sartor_h.SARTOR_ABI_VERSION() + "; }\n"
                + "int sartor_open(void) { return 0; }");
        String message = refused(file, "it lacks ");
        assertTrue(message.contains("sartor_submit"), message);
        assertFalse(message.contains("sartor_open"), message);
    }

    @Test
    void libraryThatNeedsAnotherWhichIsMissing() throws Exception {
        Path needed = compile("needed", "int needed(void) { return 1; }");
        Path file = compile("library", "int needed(void); int sartor_abi_version(void) { return needed(); }",
                needed.toString());
        Files.delete(needed);
        refused(file, "needed.so: cannot open shared object file");
    }

    /** In a fresh process, where nothing is loaded: the first touch of the bindings must not be a class-loading error. */
    @Test
    void missingLibraryInAFreshProcess() throws Exception {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var builder = new ProcessBuilder(java, "--enable-native-access=ALL-UNNAMED",
                "-cp", System.getProperty("java.class.path"), OpensAnEngine.class.getName()).redirectErrorStream(true);
        builder.environment().put(LibraryFile.LIBRARY_VARIABLE, folder.resolve("nowhere.so").toString());
        var process = builder.start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(1, process.waitFor(), output);
        assertTrue(output.contains("NativeLibraryException"), output);
        assertTrue(output.contains("nowhere.so"), output);
        assertFalse(output.contains("ExceptionInInitializerError"), output);
        assertFalse(output.contains("NoClassDefFoundError"), output);
    }

    /** The program of the fresh process. */
    static final class OpensAnEngine {
        private OpensAnEngine() {}

        public static void main(String[] arguments) {
            CpuEngine.open(1, null).close();
        }
    }

    private static String refused(Path file, String reason) {
        var e = assertThrows(NativeLibraryException.class, () -> CpuLibrary.check(file, Platform.current()));
        for (String part : List.of(reason, file.toString(), Platform.current().toString(), "remedy: ")) {
            assertTrue(e.getMessage().contains(part), () -> "no \"" + part + "\" in: " + e.getMessage());
        }
        return e.getMessage();
    }

    /** A shared library made with the compiler that the native build needs anyway. */
    private Path compile(String name, String source, String... libraries) throws IOException, InterruptedException {
        Path input = Files.writeString(folder.resolve(name + ".c"), source);
        Path output = folder.resolve(name + ".so");
        var command = new ArrayList<>(List.of("c++", "-shared", "-fPIC", "-o", output.toString(), "-x", "c",
                input.toString(), "-x", "none"));
        command.addAll(List.of(libraries));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), said);
        return output;
    }
}
