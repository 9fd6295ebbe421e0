package dev.sartor.peft;

import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
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
        var offsets = new ArrayList<Long>();
        long end = 0;
        for (var tensor : tensors) {
            long offset = tensor.adjoining() ? end : Memory.align(end);
            offsets.add(offset);
            end = offset + tensor.spec().bytes();
        }
        values = slab(scope, Memory.align(end));
        gradients = trained ? slab(scope, Memory.align(end)) : null;
        for (int i = 0; i < tensors.size(); i++) {
            var tensor = tensors.get(i);
            var parameter = new Parameter(tensor.key(), new Tensor(tensor.spec(), values.storage(), offsets.get(i)),
                    trained ? new Tensor(tensor.spec(), gradients.storage(), offsets.get(i)) : null);
            if (parameters.put(tensor.key(), parameter) != null) {
                throw new IllegalStateException("two tensors of the adapter are called " + tensor.key());
            }
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
