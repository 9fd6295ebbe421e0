package dev.sartor.quickstart;

import java.util.List;

/**
 * A question with its answer, in any of several phrasings.
 *
 * @param kind      the kind of task, such as "opposite"
 * @param key       what is asked, whatever the phrasing: equal keys mean the same knowledge or the same material
 * @param phrasings how one may ask it; the first is how a teacher asks it in the corpus
 * @param answer    a right answer
 * @param check     when another answer is right
 */
public record Exercise(String kind, String key, List<String> phrasings, String answer, Check check) {
    Exercise(String kind, String key, List<String> phrasings, String answer) {
        this(kind, key, phrasings, answer, new Check.Exact(answer));
    }
}
