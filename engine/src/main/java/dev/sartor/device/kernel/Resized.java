package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/** Kernels as they would be with other tensors. */
public final class Resized {
    private Resized() {}

    /** The same kernel with the same numbers, and each of its tensors changed. Weights stay as they are. */
    public static Kernel with(Kernel kernel, UnaryOperator<Tensor> change) {
        var components = kernel.getClass().getRecordComponents();
        try {
            var values = new Object[components.length];
            for (int i = 0; i < values.length; i++) {
                values[i] = switch (components[i].getAccessor().invoke(kernel)) {
                    case Tensor tensor -> change.apply(tensor);
                    case Columns columns -> new Columns(change.apply(columns.matrix()), columns.first(), columns.count());
                    case Matrix matrix -> matrix;
                    case null -> null;
                    case Object number -> number;
                };
            }
            var types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
            return (Kernel) kernel.getClass().getDeclaredConstructor(types).newInstance(values);
        } catch (InvocationTargetException | IllegalAccessException | InstantiationException | NoSuchMethodException e) {
            throw new IllegalStateException(kernel.name() + " is no record of tensors and numbers", e);
        }
    }
}
