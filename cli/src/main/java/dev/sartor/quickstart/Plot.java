package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.List;

/**
 * A story plot: stages told in order, each by one of several variants, and questions that the finished story answers.
 *
 * @param name      what the story is about, a template for "Write a story about ..."
 * @param stages    variants (templates) of each stage
 * @param optional  whether the stage of the same index may be left out
 * @param questions pairs of templates: question, answer
 */
public record Plot(String name, List<List<String>> stages, List<Boolean> optional, List<String[]> questions) {
    /**
     * Reads plots from their text form: {@code # name} opens a plot, stages are separated by empty lines,
     * each line of a stage is a variant, a stage whose first line is {@code ?} may be left out,
     * and {@code Q question = answer} adds a question.
     */
    static List<Plot> parse(String text) {
        List<Plot> plots = new ArrayList<>();
        for (String block : text.split("(?m)^# ")) {
            if (block.isBlank()) continue;
            List<List<String>> stages = new ArrayList<>();
            List<Boolean> optional = new ArrayList<>();
            List<String[]> questions = new ArrayList<>();
            String name = block.substring(0, block.indexOf('\n')).strip();
            for (String stage : block.substring(block.indexOf('\n')).strip().split("\n\\s*\n")) {
                List<String> variants = new ArrayList<>();
                boolean may = false;
                for (String line : stage.split("\n")) {
                    line = line.strip();
                    if (line.equals("?")) may = true;
                    else if (line.startsWith("Q ")) {
                        String[] pair = line.substring(2).split(" = ");
                        if (pair.length != 2) throw new IllegalArgumentException("plot " + name + ": not 'Q question = answer': " + line);
                        questions.add(pair);
                    } else if (!line.isEmpty()) variants.add(line);
                }
                if (variants.isEmpty()) continue;
                stages.add(List.copyOf(variants));
                optional.add(may);
            }
            plots.add(new Plot(name, List.copyOf(stages), List.copyOf(optional), List.copyOf(questions)));
        }
        return List.copyOf(plots);
    }
}
