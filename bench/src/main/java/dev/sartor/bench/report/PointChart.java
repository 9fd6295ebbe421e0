package dev.sartor.bench.report;

import java.util.List;
import java.util.stream.DoubleStream;

/** Points and lines over two axes. */
final class PointChart {
    private static final int LEFT = 70;
    private static final int RIGHT = 20;
    private static final int TOP = 55;
    private static final int BOTTOM = 50;
    private static final int WIDTH = 780;
    private static final int HEIGHT = 440;

    record Point(double x, double y, String name) {}

    /** @param style of {@link Svg}: s0 and so on */
    record Series(String name, String style, boolean joined, List<Point> points) {}

    private PointChart() {}

    /** @param logarithmic both axes */
    static String draw(String title, String xTitle, String yTitle, boolean logarithmic, List<Series> series) {
        var svg = new Svg(WIDTH, HEIGHT, title);
        var points = series.stream().flatMap(each -> each.points.stream()).toList();
        var xs = points.stream().mapToDouble(Point::x).summaryStatistics();
        var ys = points.stream().mapToDouble(Point::y).summaryStatistics();
        var x = new Scale(logarithmic ? xs.getMin() * 0.8 : 0, xs.getMax() * 1.1, logarithmic, LEFT, WIDTH - RIGHT);
        var y = new Scale(logarithmic ? ys.getMin() * 0.8 : 0, ys.getMax() * 1.1, logarithmic, HEIGHT - BOTTOM, TOP);
        for (double tick : x.ticks()) {
            svg.line(x.at(tick), TOP, x.at(tick), HEIGHT - BOTTOM, "grid");
            svg.text(x.at(tick), HEIGHT - BOTTOM + 17, "middle", "", Scale.label(tick));
        }
        for (double tick : y.ticks()) {
            svg.line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), "grid");
            svg.text(LEFT - 6, y.at(tick) + 4, "end", "", Scale.label(tick));
        }
        svg.text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "middle", "", xTitle);
        svg.text(LEFT, TOP - 8, "start", "", yTitle);
        double legend = WIDTH - RIGHT;
        for (var each : series.reversed()) {
            legend -= 36 + 7.2 * each.name.length();
            if (each.joined) {
                svg.line(legend, TOP - 12, legend + 12, TOP - 12, each.style);
            } else {
                svg.point(legend + 6, TOP - 12, each.style, each.name);
            }
            svg.text(legend + 17, TOP - 8, "start", "", each.name);
        }
        for (var each : series) {
            if (each.joined) {
                svg.polyline(each.points.stream().flatMapToDouble(p -> DoubleStream.of(x.at(p.x), y.at(p.y)))
                        .toArray(), "line " + each.style);
            } else {
                each.points.forEach(p -> svg.point(x.at(p.x), y.at(p.y), each.style, p.name));
            }
        }
        return svg.toString();
    }
}
