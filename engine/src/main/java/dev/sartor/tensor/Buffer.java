package dev.sartor.tensor;

/** A piece of device memory: an opaque handle with a size. Only its device looks inside. */
public interface Buffer {
    long bytes();
}
