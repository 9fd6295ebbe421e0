package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Program;
import dev.sartor.optim.ScheduleFreeAdamW;
import dev.sartor.optim.Trained;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class UpdateProgramTest {
    private final AtomicInteger compiled = new AtomicInteger();
    private final AtomicInteger open = new AtomicInteger();

    /** A device that counts programs and refuses one of them. */
    private Device refusing(Device device, int refused) {
        return (Device) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Device.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("compile") && compiled.incrementAndGet() == refused) {
                throw new DeviceException("program " + refused + " is refused");
            }
            Object result;
            try {
                result = method.invoke(device, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (result instanceof Program) {
                open.incrementAndGet();
                return (Program) open::decrementAndGet;
            }
            return result;
        });
    }

    /** Native memory of a program is freed by its close only. */
    @Test
    void whatWasCompiledIsClosedWhereTheRestFails() {
        var settings = new ScheduleFreeAdamW.Settings(0.9f, 0.99f, 1e-4f, 0.01f, 0, 2);
        try (var plain = new ReferenceDevice(); var state = new Scope(Scope.Kind.STATE, plain)) {
            var spec = TensorSpec.of(DType.FLOAT32, 4, 4);
            var trained = List.of(new Trained("w", state.allocate(spec), state.allocate(spec), true));
            for (int refused = 1; refused <= 5; refused++) {
                compiled.set(0);
                var device = refusing(plain, refused);
                var optimizer = settings.create(trained, state, state);
                assertThrows(DeviceException.class, () -> new UpdateProgram(device, state, optimizer, trained, 1), "program " + refused);
                assertEquals(0, open.get(), "programs open after program " + refused + " was refused");
            }
            assertTrue(compiled.get() == 5, "averaging has programs too");
        }
    }
}
