package dev.sartor.text.jinja;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A chat template: the part of Jinja that Hugging Face models use, rendered as Transformers renders it
 * ({@code ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)} with {@code loopcontrols},
 * {@code raise_exception}, {@code strftime_now} and its own {@code tojson}). What is not supported is an error that names
 * the line, never a different text.
 *
 * <p>Supported: output, {@code if}, {@code for} (filter, else, recursive, {@code loop}), {@code break}, {@code continue},
 * {@code set} (also as a block), {@code namespace}, {@code macro}, {@code call}, {@code filter}, {@code with}, {@code raw},
 * {@code generation}; expressions in full, without {@code %} on strings; the filters and tests that an error for an unknown
 * one lists; the methods of strings, dicts and lists that do not change them.
 *
 * <p>A template is immutable and may be rendered by several threads.
 */
public final class Template {

    private static final long MAX_RANGE = 100_000;

    private final String name;
    private final List<Node> body;
    private final boolean marks;

    private Template(String name, List<Node> body, boolean marks) {
        this.name = name;
        this.body = body;
        this.marks = marks;
    }

    /**
     * @param source the template's text
     * @param name   how errors call it, such as a file's path
     * @throws TemplateException with the line of what cannot be parsed or is not supported
     */
    public static Template compile(String source, String name) {
        return guarded(name, () -> {
            List<Node> body = Parser.parse(source);
            return new Template(name, body, source.matches("(?s).*\\{%-?\\s*generation\\s*-?%}.*"));
        });
    }

    /** Whether it marks what the assistant said with {@code {% generation %}}. */
    public boolean marksGeneration() {
        return marks;
    }

    /**
     * Renders the template.
     *
     * @param variables JSON trees, strings, numbers, booleans, lists, maps and null by name
     * @throws TemplateException with the line of what failed, or with what the template raised
     */
    public String render(Map<String, ?> variables) {
        return render(variables, LocalDateTime::now, false).text();
    }

    /**
     * Renders the template and tells where its generation blocks lie in the text.
     *
     * @throws TemplateException as {@link #render(Map)}, and if such a block stands where its place cannot be known
     */
    public Rendered renderMarked(Map<String, ?> variables) {
        return render(variables, LocalDateTime::now, true);
    }

    Rendered render(Map<String, ?> variables, Supplier<LocalDateTime> clock, boolean marking) {
        return guarded(name, () -> {
            Scope globals = new Scope(null, globals(clock));
            Map<String, Object> given = new HashMap<>();
            variables.forEach((key, value) -> given.put(key, Values.of(value)));
            return new Renderer(marking).render(body, new Scope(globals, given));
        });
    }

    private static <T> T guarded(String name, Supplier<T> work) {
        try {
            return work.get();
        } catch (Failure f) {
            throw new TemplateException(name + (f.line > 0 ? ":" + f.line : "") + ": " + f.getMessage(), f.raised);
        } catch (StackOverflowError e) {
            throw new TemplateException(name + ": nested too deeply", false);
        }
    }

    private static Map<String, Object> globals(Supplier<LocalDateTime> clock) {
        Map<String, Object> globals = new HashMap<>();
        globals.put("raise_exception", (Callable) a -> {
            throw Failure.raised(Values.string(a.require("message")[0]));
        });
        globals.put("strftime_now", (Callable) a -> Strftime.format(a.string(a.require("format")[0], ""), clock.get()));
        globals.put("namespace", (Callable) a -> {
            Namespace namespace = new Namespace();
            merged(a).forEach((key, value) -> namespace.attributes.put(Values.string(key), value));
            return namespace;
        });
        globals.put("dict", (Callable) Template::merged);
        globals.put("range", (Callable) Template::range);
        return globals;
    }

    /** What {@code dict(mapping, key=value)} holds. */
    private static Map<Object, Object> merged(Arguments a) {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (Object each : a.positional()) {
            if (!(each instanceof Map<?, ?> more)) {
                throw Failure.of(a.callee() + " expects a dict, given " + Values.typeName(each));
            }
            map.putAll(more);
        }
        map.putAll(a.named());
        return map;
    }

    private static Object range(Arguments a) {
        Object[] b = a.bind("start", "stop", "step");
        boolean single = b[1] == Arguments.ABSENT;
        long start = single ? 0 : a.integer(b[0], 0);
        long stop = a.integer(single ? b[0] : b[1], 0);
        long step = a.integer(b[2], 1);
        if (step == 0) {
            throw Failure.of("range's step is zero");
        }
        List<Object> out = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            if (out.size() >= MAX_RANGE) {
                throw Failure.of("a range longer than " + MAX_RANGE + " is refused");
            }
            out.add(i);
        }
        return out;
    }
}
