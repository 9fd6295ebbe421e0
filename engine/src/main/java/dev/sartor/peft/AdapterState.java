package dev.sartor.peft;

import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An adapter's tensors side by side in one slab, and their gradients in another of the same layout,
 * so that an optimizer can take each as one long vector. Gaps of alignment hold zeros.
 */
final class AdapterState {
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Tensor values;
    private final Tensor gradients;

    /** @param trained whether there are gradients */
    AdapterState(Scope scope, List<AdapterTensor> tensors, boolean trained) {
        long bytes = tensors.stream().mapToLong(tensor -> Memory.align(tensor.spec().bytes())).sum();
        values = slab(scope, bytes);
        gradients = trained ? slab(scope, bytes) : null;
        long offset = 0;
        for (var tensor : tensors) {
            var parameter = new Parameter(tensor.key(), new Tensor(tensor.spec(), values.storage(), offset),
                    trained ? new Tensor(tensor.spec(), gradients.storage(), offset) : null);
            if (parameters.put(tensor.key(), parameter) != null) {
                throw new IllegalStateException("two tensors of the adapter are called " + tensor.key());
            }
            offset += Memory.align(tensor.spec().bytes());
        }
    }

    private static Tensor slab(Scope scope, long bytes) {
        var storage = new Storage(bytes);
        storage.place(scope.slab(bytes), 0);
        return new Tensor(TensorSpec.of(DType.FLOAT32, bytes / DType.FLOAT32.bytes()), storage, 0);
    }

    /** By key, in the order of the layers. */
    Map<String, Parameter> parameters() {
        return Collections.unmodifiableMap(parameters);
    }

    /** All values as one vector. */
    Tensor values() {
        return values;
    }

    /** All gradients as one vector, or null. */
    Tensor gradients() {
        return gradients;
    }
}
