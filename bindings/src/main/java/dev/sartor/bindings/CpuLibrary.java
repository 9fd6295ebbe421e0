package dev.sartor.bindings;

import dev.sartor.bindings.cpu.sartor_h;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The CPU engine's native library. Call {@link #load()} before the first use of a class in
 * {@code dev.sartor.bindings.cpu}: the generated classes resolve each symbol once and for good, so a
 * symbol that was missing at first touch would stay missing.
 *
 * @param file the file it was loaded from
 * @param version what {@code sartor_version()} says
 */
public record CpuLibrary(Path file, String version) {

    /** The functions that the bindings call. */
    static final List<String> FUNCTIONS = List.of(
            "sartor_abi_version", "sartor_version", "sartor_arguments_bytes", "sartor_open", "sartor_close",
            "sartor_isa", "sartor_threads", "sartor_allocate", "sartor_free", "sartor_packed_bytes", "sartor_packed_scales",
            "sartor_scratch_bytes", "sartor_submit");

    private static CpuLibrary loaded;

    /**
     * Finds, checks and loads the library; once loaded, returns at once. After a failure the next call
     * tries anew.
     *
     * @throws NativeLibraryException where it is missing, unreadable, made for another platform, or of
     *     another version than these bindings
     */
    public static CpuLibrary load() {
        return load(System.getenv());
    }

    static synchronized CpuLibrary load(Map<String, String> environment) {
        if (loaded == null) {
            Platform platform = Platform.current();
            Path file = new LibraryFile(environment, CpuLibrary.class.getClassLoader(), platform).find();
            check(file, platform);
            // The generated classes look in the libraries of their class loader, which is this class's.
            System.load(file.toString());
            loaded = new CpuLibrary(file, sartor_h.sartor_version().getString(0));
        }
        return loaded;
    }

    /**
     * Opens the library on trial and closes it again, so that one that does not fit is never loaded for
     * good.
     *
     * @throws NativeLibraryException where it does not fit
     */
    static void check(Path file, Platform platform) {
        try (Arena trial = Arena.ofConfined()) {
            SymbolLookup symbols = open(file, platform, trial);
            MemorySegment abiVersion = symbols.find("sartor_abi_version")
                    .orElseThrow(() -> misfit(file, platform, "it is another library: it has no function sartor_abi_version"));
            int abi = call(abiVersion);
            int expected = sartor_h.SARTOR_ABI_VERSION();
            if (abi != expected) {
                throw misfit(file, platform, "its ABI version is " + abi + ", and these bindings need " + expected);
            }
            List<String> missing = FUNCTIONS.stream().filter(name -> symbols.find(name).isEmpty()).toList();
            if (!missing.isEmpty()) {
                throw misfit(file, platform, "it lacks " + String.join(", ", missing));
            }
        }
    }

    private static NativeLibraryException misfit(Path file, Platform platform, String reason) {
        return new NativeLibraryException(file.toString(), platform.toString(), reason,
                "rebuild library and bindings from the same sources (./sartor does), and see that "
                        + LibraryFile.LIBRARY_VARIABLE + ", where it is set, names that library", null);
    }

    private static SymbolLookup open(Path file, Platform platform, Arena arena) {
        try {
            return SymbolLookup.libraryLookup(file, arena);
        } catch (IllegalArgumentException unexplained) {
            // libraryLookup keeps the dynamic linker's explanation to itself; System.load passes it on.
            try {
                System.load(file.toString());
            } catch (UnsatisfiedLinkError e) {
                throw new NativeLibraryException(file.toString(), platform.toString(), e.getMessage(),
                        "install what the message names, or rebuild the library with ./sartor on this machine", e);
            }
            throw misfit(file, platform, unexplained.getMessage());
        }
    }

    private static int call(MemorySegment function) {
        try {
            return (int) Linker.nativeLinker()
                    .downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_INT)).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException("a native call threw", e);
        }
    }
}
