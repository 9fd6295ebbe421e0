package dev.sartor.bench.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * oneDNN's C API, as much of it as a matrix product needs; names and numbers as in dnnl.h and
 * dnnl_types.h of oneDNN 3. The library comes from the class path, in the jar that the JavaCPP
 * presets publish for linux-x86_64; its thread count is {@code OMP_NUM_THREADS}.
 */
public final class OneDnn implements AutoCloseable {
    private static final String FOLDER = "/org/bytedeco/dnnl/linux-x86_64/";
    private static final String LIBRARY = "libdnnl.so.3";
    /** The library finds what it needs beside itself. */
    private static final List<String> FILES = List.of(LIBRARY, "libgomp.so.1");
    private static final MemorySegment LIBRARY_ALLOCATES = MemorySegment.ofAddress(-1);

    static final int F32 = 3;
    static final int BF16 = 2;
    static final int ARG_SRC = 1;
    static final int ARG_DST = 17;
    static final int ARG_WEIGHTS = 33;
    private static final int CPU = 1;
    private static final int IN_ORDER = 1;
    private static final int FORMAT_ANY = 1;
    private static final int QUERY_WEIGHTS = 131;
    private static final int EXEC_ARG_BYTES = 16;

    private final Arena arena = Arena.ofShared();
    private final SymbolLookup symbols;
    private final Map<String, MethodHandle> functions = new HashMap<>();
    private final MemorySegment engine;
    private final MemorySegment stream;

    private OneDnn(Path folder) {
        symbols = SymbolLookup.libraryLookup(folder.resolve(LIBRARY), arena);
        engine = create("dnnl_engine_create", CPU, 0L);
        stream = create("dnnl_stream_create", engine, IN_ORDER);
    }

    /** Whether the class path has the library for this platform. */
    public static boolean isPresent() {
        return "Linux".equals(System.getProperty("os.name")) && "amd64".equals(System.getProperty("os.arch"))
                && OneDnn.class.getResource(FOLDER + LIBRARY) != null;
    }

    /**
     * Unpacks the library into a temporary folder and opens it.
     *
     * @throws IllegalStateException if it is not on the class path, or not for this platform
     */
    public static OneDnn load() {
        try {
            var folder = Files.createTempDirectory("sartor-onednn");
            try {
                for (var file : FILES) {
                    try (var source = OneDnn.class.getResourceAsStream(FOLDER + file)) {
                        if (source == null) {
                            throw new IllegalStateException("oneDNN (" + FOLDER + file + ") is not on the class path:"
                                    + " run bench/run.sh, which builds with -Ponednn");
                        }
                        Files.copy(source, folder.resolve(file));
                    }
                }
                return new OneDnn(folder);
            } finally {
                // Once opened, the libraries need their files no more.
                for (var file : FILES) {
                    Files.deleteIfExists(folder.resolve(file));
                }
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("oneDNN could not be unpacked", e);
        }
    }

    /** Such as 3.13.0. */
    public String version() {
        var numbers = ((MemorySegment) invoke("dnnl_version", ValueLayout.ADDRESS)).reinterpret(3 * Integer.BYTES);
        return numbers.getAtIndex(ValueLayout.JAVA_INT, 0) + "." + numbers.getAtIndex(ValueLayout.JAVA_INT, 1) + "."
                + numbers.getAtIndex(ValueLayout.JAVA_INT, 2);
    }

    /** A layout of [rows, columns]: the elements of a row adjacent. */
    MemorySegment rowMajor(long rows, long columns, int dtype) {
        return strided(rows, columns, dtype, columns, 1);
    }

    /** A layout of [rows, columns]: the elements of a column adjacent. */
    MemorySegment columnMajor(long rows, long columns, int dtype) {
        return strided(rows, columns, dtype, 1, rows);
    }

    private MemorySegment strided(long rows, long columns, int dtype, long rowStride, long columnStride) {
        try (var local = Arena.ofConfined()) {
            var dims = local.allocateFrom(ValueLayout.JAVA_LONG, rows, columns);
            var strides = local.allocateFrom(ValueLayout.JAVA_LONG, rowStride, columnStride);
            return create("dnnl_memory_desc_create_with_strides", 2, dims, dtype, strides);
        }
    }

    /** A matrix whose layout the library may choose. */
    MemorySegment anyLayout(long rows, long columns, int dtype) {
        try (var local = Arena.ofConfined()) {
            var dims = local.allocateFrom(ValueLayout.JAVA_LONG, rows, columns);
            return create("dnnl_memory_desc_create_with_tag", 2, dims, dtype, FORMAT_ANY);
        }
    }

    /** The description of a product; a null layout of the bias means none. */
    MemorySegment matmul(MemorySegment source, MemorySegment weights, MemorySegment destination) {
        return create("dnnl_matmul_primitive_desc_create",
                engine, source, weights, MemorySegment.NULL, destination, MemorySegment.NULL);
    }

    /** Copies into another layout. */
    void reorder(MemorySegment from, MemorySegment fromLayout, MemorySegment to, MemorySegment toLayout) {
        var description = create("dnnl_reorder_primitive_desc_create", fromLayout, engine, toLayout, engine, MemorySegment.NULL);
        var reorder = primitive(description);
        execute(reorder, arguments(Map.of(ARG_SRC, from, ARG_DST, to)));
        destroy("primitive", reorder);
        destroy("primitive_desc", description);
    }

    /** The layout that the library chose for the weights; it belongs to the description. */
    MemorySegment weightsOf(MemorySegment description) {
        return (MemorySegment) invoke("dnnl_primitive_desc_query_md", ValueLayout.ADDRESS, description, QUERY_WEIGHTS, 0);
    }

    MemorySegment primitive(MemorySegment description) {
        return create("dnnl_primitive_create", description);
    }

    /** Memory of that layout, which the library allocates. */
    MemorySegment memory(MemorySegment description) {
        return create("dnnl_memory_create", description, engine, LIBRARY_ALLOCATES);
    }

    /** The bytes behind a memory. */
    MemorySegment bytes(MemorySegment memory, long bytes) {
        try (var local = Arena.ofConfined()) {
            var result = local.allocate(ValueLayout.ADDRESS);
            require("dnnl_memory_get_data_handle",
                    (int) invoke("dnnl_memory_get_data_handle", ValueLayout.JAVA_INT, memory, result));
            return result.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
        }
    }

    /** Arguments of a primitive: pairs of number and memory. */
    MemorySegment arguments(Map<Integer, MemorySegment> memories) {
        var list = arena.allocate((long) EXEC_ARG_BYTES * memories.size(), 8);
        long at = 0;
        for (var each : memories.entrySet()) {
            list.set(ValueLayout.JAVA_INT, at, each.getKey());
            list.set(ValueLayout.ADDRESS, at + 8, each.getValue());
            at += EXEC_ARG_BYTES;
        }
        return list;
    }

    /** Runs a primitive to its end. The call itself costs a few microseconds. */
    void execute(MemorySegment primitive, MemorySegment arguments) {
        require("dnnl_primitive_execute", (int) invoke("dnnl_primitive_execute", ValueLayout.JAVA_INT, primitive, stream,
                (int) (arguments.byteSize() / EXEC_ARG_BYTES), arguments));
        require("dnnl_stream_wait", (int) invoke("dnnl_stream_wait", ValueLayout.JAVA_INT, stream));
    }

    /** @param kind such as {@code primitive}: whose dnnl_..._destroy is called */
    void destroy(String kind, MemorySegment object) {
        require(kind, (int) invoke("dnnl_" + kind + "_destroy", ValueLayout.JAVA_INT, object));
    }

    @Override
    public void close() {
        destroy("stream", stream);
        destroy("engine", engine);
        arena.close();
    }

    /** Calls a function whose first argument is where the result goes. */
    private MemorySegment create(String function, Object... arguments) {
        try (var local = Arena.ofConfined()) {
            var result = local.allocate(ValueLayout.ADDRESS);
            var all = new Object[arguments.length + 1];
            all[0] = result;
            System.arraycopy(arguments, 0, all, 1, arguments.length);
            require(function, (int) invoke(function, ValueLayout.JAVA_INT, all));
            return result.get(ValueLayout.ADDRESS, 0);
        }
    }

    private Object invoke(String function, MemoryLayout result, Object... arguments) {
        try {
            return functions.computeIfAbsent(function, name -> link(name, result, arguments)).invokeWithArguments(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(function + " threw", e);
        }
    }

    private MethodHandle link(String function, MemoryLayout result, Object... arguments) {
        var address = symbols.find(function).orElseThrow(() -> new IllegalStateException("oneDNN has no function " + function));
        var layouts = new MemoryLayout[arguments.length];
        for (int i = 0; i < layouts.length; i++) {
            layouts[i] = switch (arguments[i]) {
                case Integer _ -> ValueLayout.JAVA_INT;
                case Long _ -> ValueLayout.JAVA_LONG;
                case MemorySegment _ -> ValueLayout.ADDRESS;
                default -> throw new IllegalArgumentException(function + ": argument " + i + " is " + arguments[i]);
            };
        }
        return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(result, layouts));
    }

    private static void require(String function, int status) {
        if (status != 0) {
            throw new IllegalStateException(function + " failed with oneDNN status " + status);
        }
    }
}
