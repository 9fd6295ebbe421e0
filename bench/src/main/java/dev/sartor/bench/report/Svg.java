package dev.sartor.bench.report;

import java.util.Locale;

/**
 * A drawing as SVG text that suits light and dark pages alike. Text is set by the reader's browser:
 * nothing here needs a display or fonts, which a machine that measures may not have.
 */
final class Svg {
    private static final String STYLE = """
            <style>
            text { font: 12px system-ui, sans-serif; fill: #24292f }
            .title { font-size: 14px; font-weight: 600 }
            .grid { stroke: #d0d7de } .axis { stroke: #57606a } .s0 { fill: #0969da; stroke: #0969da } .s1 { fill: #bf8700; stroke: #bf8700 }
            .s2 { fill: #1a7f37; stroke: #1a7f37 } .line { fill: none; stroke-width: 1.5 } .bar { stroke: none } .roof { stroke: #cf222e; stroke-dasharray: 5 3 }
            @media (prefers-color-scheme: dark) {
            text { fill: #e6edf3 } .grid { stroke: #30363d } .axis { stroke: #8b949e } .s0 { fill: #58a6ff; stroke: #58a6ff }
            .s1 { fill: #d29922; stroke: #d29922 } .s2 { fill: #3fb950; stroke: #3fb950 } .roof { stroke: #ff7b72 } .line { fill: none } .bar { stroke: none }
            }
            </style>
            """;

    private final StringBuilder text = new StringBuilder();

    Svg(int width, int height, String title) {
        text.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">%n"
                .formatted(width, height, width, height));
        text.append("<title>").append(escape(title)).append("</title>\n").append(STYLE);
        text(10, 20, "start", "title", title);
    }

    /** @param anchor start, middle or end: which part of the text is at x */
    void text(double x, double y, String anchor, String style, String content) {
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>", x, y, anchor, style, escape(content));
    }

    void line(double x1, double y1, double x2, double y2, String style) {
        add("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>", x1, y1, x2, y2, style);
    }

    void rectangle(double x, double y, double width, double height, String style) {
        add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"/>", x, y, width, height, style);
    }

    /** A point that names itself under the pointer. */
    void point(double x, double y, String style, String name) {
        add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" class=\"%s\"><title>%s</title></circle>", x, y, style, escape(name));
    }

    /** @param points x and y in turn */
    void polyline(double[] points, String style) {
        var list = new StringBuilder();
        for (int i = 0; i < points.length; i += 2) {
            list.append(String.format(Locale.ROOT, "%.1f,%.1f ", points[i], points[i + 1]));
        }
        add("<polyline points=\"%s\" class=\"%s\"/>", list.toString().strip(), style);
    }

    private void add(String format, Object... arguments) {
        text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }

    private static String escape(String content) {
        return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    @Override
    public String toString() {
        return text + "</svg>\n";
    }
}
