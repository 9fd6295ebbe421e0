package dev.sartor.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TemplateTest {

    /** Each idiom prints what Python's jinja2, set up by Transformers, printed when cases.json was written. */
    @TestFactory
    Stream<DynamicTest> printsWhatTransformersPrints() throws IOException {
        JsonNode root;
        try (InputStream in = TemplateTest.class.getResourceAsStream("cases.json")) {
            root = new JsonMapper().readTree(in);
        }
        Map<String, Object> variables = new HashMap<>();
        root.get("variables").properties().forEach(e -> variables.put(e.getKey(), e.getValue()));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode each : root.get("cases")) {
            String name = each.get("name").stringValue();
            tests.add(DynamicTest.dynamicTest(name, () -> check(each, variables)));
        }
        assertTrue(tests.size() > 60, "cases.json is whole");
        return tests.stream();
    }

    private static void check(JsonNode each, Map<String, Object> variables) {
        String source = each.get("template").stringValue();
        if (each.has("error")) {
            TemplateException e = assertThrows(TemplateException.class, () -> Template.compile(source, "t").render(variables));
            assertTrue(e.getMessage().matches("(?s)t:\\d+: .+"), e.getMessage());
            return;
        }
        Template template = Template.compile(source, "t");
        assertEquals(each.get("expected").stringValue(), template.render(variables));
        assertEquals(each.has("spans"), template.marksGeneration());
        if (each.has("spans")) {
            List<Rendered.Span> spans = new ArrayList<>();
            each.get("spans").forEach(s -> spans.add(new Rendered.Span(s.get(0).intValue(), s.get(1).intValue())));
            assertEquals(spans, template.renderMarked(variables).generation());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "`a\n{% include 'x' %}`|2|{% include %} is not supported",
        "`{% if x %}\n\n{{ x | pprint }}{% endif %}`|3|the filter 'pprint' is not supported; supported are",
        "`\n{{ x is escaped }}`|2|the test 'escaped' is not supported",
        "`{{ 1 +\n * 2 }}`|2|expected an expression, found '*'",
        "`{% for x in y %}\n{{ x }}`|2|one of [else, endfor] is expected",
        "`{{ 'a' }\n}`|1|unexpected '}'",
        "`{% break %}`|1|outside a loop",
        "`{{ f(a=1, 2) }}`|1|a positional argument after a named one",
    })
    void namesTheLineOfWhatItCannotDo(String source, int line, String expected) {
        String message = assertThrows(TemplateException.class, () -> Template.compile(source, "chat.jinja")).getMessage();
        assertTrue(message.startsWith("chat.jinja:" + line + ": ") && message.contains(expected), message);
    }

    @Test
    void tellsWhatTheTemplateRaised() {
        Template template = Template.compile("\n{{ raise_exception('roles must alternate') }}", "t");
        TemplateException e = assertThrows(TemplateException.class, () -> template.render(Map.of()));
        assertTrue(e.raisedByTemplate());
        assertEquals("t:2: roles must alternate", e.getMessage());
        Template broken = Template.compile("{{ a.b }}", "t");
        assertFalse(assertThrows(TemplateException.class, () -> broken.render(Map.of())).raisedByTemplate());
    }

    @Test
    void formatsTheDate() {
        LocalDateTime time = LocalDateTime.of(2024, 7, 5, 9, 3, 1);
        Template template = Template.compile("{{ strftime_now('%d %b %Y|%B %-d, %y|%A %a %H:%M:%S %I %p %j|%Y-%m-%d 100%%') }}", "t");
        assertEquals("05 Jul 2024|July 5, 24|Friday Fri 09:03:01 09 AM 187|2024-07-05 100%",
                template.render(Map.of(), () -> time, false).text());
    }

    @Test
    void refusesWhatWouldNotEnd() {
        Template deep = Template.compile("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "t");
        assertTrue(assertThrows(TemplateException.class, () -> deep.render(Map.of())).getMessage().contains("nested"));
        Template wide = Template.compile("{{ range(10000000) }}", "t");
        assertThrows(TemplateException.class, () -> wide.render(Map.of()));
        Template marked = Template.compile("{% macro m() %}{% generation %}x{% endgeneration %}{% endmacro %}{{ m() }}", "t");
        assertEquals("x", marked.render(Map.of()));
        assertThrows(TemplateException.class, () -> marked.renderMarked(Map.of()));
    }
}
