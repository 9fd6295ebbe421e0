package dev.sartor.peft;

import dev.sartor.io.FormatException;
import dev.sartor.nn.RandomStream;
import dev.sartor.nn.Slots;
import tools.jackson.databind.node.ObjectNode;

/**
 * A fine-tuning method of PEFT's kind. Methods are found as services of this type, so adding one is
 * adding a package and a line in {@code META-INF/services}.
 *
 * @param <C> its configuration
 */
public interface AdapterMethod<C extends Record> {
    /** {@code peft_type} in adapter_config.json, such as {@code LORA}. */
    String peftType();

    Class<C> configType();

    /**
     * Reads a configuration under PEFT's names; fields that the method does not know are kept.
     *
     * @param where the file, for messages
     * @throws FormatException if a field's value is not what it must be, or asks for what is not built
     */
    C read(ObjectNode json, String where) throws FormatException;

    /** The inverse of {@link #read}. */
    ObjectNode write(C config);

    /**
     * Works out what the configuration means for a model.
     *
     * @param random what dropout reads
     * @param purpose a new adapter, or one whose tensors come from a file
     * @throws IllegalArgumentException if it does not fit the model, saying what would
     */
    Attachment attach(C config, Slots slots, RandomStream random, Purpose purpose);

    enum Purpose { CREATE, LOAD }
}
