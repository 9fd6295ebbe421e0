package dev.sartor.bench.report;

import java.util.List;
import java.util.Locale;

/** A document in GitHub's Markdown, built from its start to its end. */
final class Markdown {
    private final StringBuilder text = new StringBuilder();

    void heading(int level, String title) {
        text.append("#".repeat(level)).append(' ').append(title).append("\n\n");
    }

    void paragraph(String format, Object... arguments) {
        text.append(arguments.length == 0 ? format : format.formatted(arguments)).append("\n\n");
    }

    /** What a reader must not miss: something was not measured. */
    void missing(String format, Object... arguments) {
        text.append("> **Not measured:** ").append(format.formatted(arguments)).append("\n\n");
    }

    void image(String title, String file) {
        text.append("![").append(title).append("](").append(file).append(")\n\n");
    }

    /** @param columns titles; the first column is text, the others, figures, stand to the right */
    void table(List<String> columns, List<List<String>> rows) {
        line(columns);
        text.append('|');
        for (int i = 0; i < columns.size(); i++) {
            text.append(i == 0 ? "---|" : "--:|");
        }
        text.append('\n');
        rows.forEach(this::line);
        text.append('\n');
    }

    private void line(List<String> cells) {
        text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    /** Three significant digits, or more before the point; a dash where something was missing. */
    static String figure(double value) {
        if (!Double.isFinite(value)) {
            return "-";
        }
        double size = Math.abs(value);
        int digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    @Override
    public String toString() {
        return text.toString().strip() + "\n";
    }
}
