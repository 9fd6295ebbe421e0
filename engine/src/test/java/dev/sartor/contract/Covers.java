package dev.sartor.contract;

import dev.sartor.device.kernel.Kernel;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The kernels that a contract test answers for. It fails unless it has run each of them. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@interface Covers {
    Class<? extends Kernel>[] value();
}
