package dev.sartor.bench.report;

import java.util.List;

/** Horizontal bars, one or more a row, from zero on. */
final class BarChart {
    private static final int LEFT = 300;
    private static final int RIGHT = 70;
    private static final int WIDTH = 820;
    private static final int TOP = 66;
    private static final int BAR = 12;
    private static final int GAP = 7;

    /**
     * @param values one for each series; NaN where there is none
     * @param note stands in a column at the right end, where no bar or mark crosses it
     */
    record Row(String label, List<Double> values, String note) {}

    private BarChart() {}

    /**
     * @param series names, which are the legend
     * @param mark a value to draw a line at, such as 1 for a ratio; NaN for none
     */
    static String draw(String title, List<String> series, List<Row> rows, double mark) {
        int rowHeight = series.size() * BAR + GAP;
        int height = TOP + rows.size() * rowHeight + 30;
        var svg = new Svg(WIDTH, height, title);
        double largest = rows.stream().flatMap(row -> row.values.stream()).filter(value -> !value.isNaN())
                .mapToDouble(Double::doubleValue).max().orElse(1);
        var scale = new Scale(0, Double.isNaN(mark) ? largest : Math.max(largest, mark), false, LEFT, WIDTH - RIGHT);
        int bottom = TOP + rows.size() * rowHeight;
        for (double tick : scale.ticks()) {
            svg.line(scale.at(tick), TOP - 4, scale.at(tick), bottom, "grid");
            svg.text(scale.at(tick), bottom + 16, "middle", "", Scale.label(tick));
        }
        for (int i = 0; i < series.size() && series.size() > 1; i++) {
            svg.rectangle(LEFT + 150.0 * i, TOP - 24, 10, 10, "bar s" + i);
            svg.text(LEFT + 150.0 * i + 15, TOP - 15, "start", "", series.get(i));
        }
        double y = TOP;
        for (var row : rows) {
            svg.text(LEFT - 8, y + series.size() * BAR / 2.0 + 4, "end", "", row.label);
            for (int i = 0; i < row.values.size(); i++) {
                double value = row.values.get(i);
                if (!Double.isNaN(value)) {
                    svg.rectangle(LEFT, y + i * BAR, scale.at(value) - LEFT, BAR - 1, "bar s" + i);
                }
            }
            svg.text(WIDTH - 12, y + series.size() * BAR / 2.0 + 4, "end", "", row.note);
            y += rowHeight;
        }
        if (!Double.isNaN(mark)) {
            svg.line(scale.at(mark), TOP - 4, scale.at(mark), bottom, "roof");
        }
        return svg.toString();
    }
}
