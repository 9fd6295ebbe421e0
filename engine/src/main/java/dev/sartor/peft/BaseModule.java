package dev.sartor.peft;

import dev.sartor.nn.Embedding;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Vector;

/** Remembers what a module is without adapters. */
@FunctionalInterface
interface BaseModule {
    void restore();

    static BaseModule of(Module module) {
        return switch (module) {
            case Linear linear -> {
                var weight = linear.weight();
                var bias = linear.bias();
                yield () -> {
                    linear.setAdapter(null);
                    linear.setWeight(weight);
                    linear.setBias(bias);
                };
            }
            // No method puts anything in its place.
            case Vector vector -> () -> {};
            case Embedding embedding -> {
                var weight = embedding.weight();
                yield () -> embedding.setWeight(weight);
            }
            case Norm norm -> {
                var weight = norm.weight();
                var bias = norm.bias();
                yield () -> {
                    norm.setWeight(weight);
                    norm.setBias(bias);
                };
            }
        };
    }
}
