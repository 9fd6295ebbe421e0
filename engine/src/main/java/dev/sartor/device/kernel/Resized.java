package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Kernels as they would be with other tensors. */
public final class Resized {
    private Resized() {}

    /** The same kernel with the same numbers, and each of its tensors changed. Weights stay as they are. */
    public static Kernel with(Kernel kernel, UnaryOperator<Tensor> change) {
        try {
            return (Kernel) rebuilt((Record) kernel, change);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(kernel.name() + " is no record of tensors and numbers", e);
        }
    }

    private static Object changed(Object value, UnaryOperator<Tensor> change) throws ReflectiveOperationException {
        return switch (value) {
            case Tensor tensor -> change.apply(tensor);
            case Columns columns -> new Columns(change.apply(columns.matrix()), columns.first(), columns.count());
            case Matrix matrix -> matrix;
            case List<?> parts -> {
                var values = new Object[parts.size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = changed(parts.get(i), change);
                }
                yield List.of(values);
            }
            case Record part -> rebuilt(part, change);
            case null -> null;
            case Object number -> number;
        };
    }

    private static Record rebuilt(Record record, UnaryOperator<Tensor> change) throws ReflectiveOperationException {
        var components = record.getClass().getRecordComponents();
        var values = new Object[components.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = changed(components[i].getAccessor().invoke(record), change);
        }
        var types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        return record.getClass().getDeclaredConstructor(types).newInstance(values);
    }
}
