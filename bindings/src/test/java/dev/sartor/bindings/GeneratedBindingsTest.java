package dev.sartor.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.bindings.cpu.sartor_h;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The generated classes, the headers and the library are of one version. */
class GeneratedBindingsTest {
    private static final Path ROOT = Path.of(System.getProperty("sartor.root"));
    private static final Path INCLUDES = ROOT.resolve("bindings/src/generated/cpu.includes");

    /** The hash that bindings/jextract.sh writes, computed the same way: no comments, no white space. */
    @Test
    void generatedFromTheseHeaders() throws Exception {
        String headers = "";
        try (Stream<Path> files = Files.list(ROOT.resolve("native/include"))) {
            for (Path header : files.filter(file -> file.toString().endsWith(".h")).sorted().toList()) {
                headers += Files.readString(header);
            }
        }
        String bare = headers.replaceAll("(?s)/\\*.*?\\*/", "").replaceAll("\\s", "");
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(bare.getBytes(StandardCharsets.UTF_8));
        String first = Files.readAllLines(INCLUDES).getFirst();
        assertEquals(HexFormat.of().formatHex(hash), first.substring(first.lastIndexOf(' ') + 1),
                "native/include/*.h changed: run bindings/jextract.sh and commit what it writes");
    }

    @Test
    void theLoaderChecksEveryFunction() throws IOException {
        String flag = "--include-function ";
        var included = new TreeSet<String>();
        for (String line : Files.readAllLines(INCLUDES)) {
            if (line.startsWith(flag)) {
                included.add(line.substring(flag.length()));
            }
        }
        assertEquals(included, new TreeSet<>(CpuLibrary.FUNCTIONS));
    }

    /** SARTOR_OP_X has the arguments struct sartor_x, of one size in Java and in the library. */
    @Test
    void structsHaveTheLibrarysSizes() throws ReflectiveOperationException {
        CpuLibrary.load();
        var java = new TreeMap<String, Long>();
        var library = new TreeMap<String, Long>();
        for (Method constant : sartor_h.class.getMethods()) {
            String prefix = "SARTOR_OP_";
            String name = constant.getName();
            if (name.startsWith(prefix) && !name.equals("SARTOR_OP_COUNT")) {
                String struct = "sartor_" + name.substring(prefix.length()).toLowerCase(Locale.ROOT);
                Class<?> type = Class.forName(sartor_h.class.getPackageName() + "." + struct);
                java.put(struct, (Long) type.getMethod("sizeof").invoke(null));
                library.put(struct, (long) sartor_h.sartor_arguments_bytes((int) constant.invoke(null)));
            }
        }
        assertEquals(sartor_h.SARTOR_OP_COUNT(), java.size());
        assertEquals(java, library);
    }
}
