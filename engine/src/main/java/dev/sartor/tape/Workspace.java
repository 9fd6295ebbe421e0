package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.device.Program;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * The memory of steps: one slab and one scratch area that every plan in turn uses whole. They grow
 * to the largest plan prepared; plans prepared earlier then move along before they next run.
 */
public final class Workspace implements AutoCloseable {
    private final Device device;
    private final Scope scope;
    private final List<Prepared> prepared = new ArrayList<>();
    private Buffer slab;
    private Buffer scratch;

    public Workspace(Device device) {
        this.device = device;
        this.scope = new Scope(Scope.Kind.STEP, device);
    }

    /** Bytes that are allocated now. */
    public long bytes() {
        return scope.bytes();
    }

    /** Bytes of the slab. */
    public long slabBytes() {
        return slab == null ? 0 : slab.bytes();
    }

    /** Bytes of the scratch area. */
    public long scratchBytes() {
        return scratch == null ? 0 : scratch.bytes();
    }

    /** Makes room for the plan. If that fails, the plans prepared earlier can still run. */
    public Prepared prepare(Plan plan) {
        var made = new Prepared(plan);
        prepared.add(made);
        try {
            makeRoom();
        } catch (RuntimeException e) {
            prepared.remove(made);
            makeRoom();
            throw e;
        }
        return made;
    }

    private void makeRoom() {
        long slabBytes = largest(Plan::slabBytes);
        long scratchBytes = largest(Plan::scratchBytes);
        if (scratch == null || slab.bytes() < slabBytes || scratch.bytes() < scratchBytes) {
            prepared.forEach(Prepared::unbind);
            scope.reset();
            slab = null;
            scratch = null;
            slab = scope.slab(slabBytes);
            scratch = scope.slab(scratchBytes);
        }
    }

    private long largest(ToLongFunction<Plan> size) {
        return prepared.stream().map(Prepared::plan).mapToLong(size).max().orElse(0);
    }

    @Override
    public void close() {
        prepared.forEach(Prepared::unbind);
        prepared.clear();
        scope.close();
    }

    /** A plan that can run. */
    public final class Prepared implements AutoCloseable {
        private final Plan plan;
        private Program program;

        private Prepared(Plan plan) {
            this.plan = plan;
        }

        public Plan plan() {
            return plan;
        }

        /** Gives the plan's tensors their places, so that its arguments can be filled. */
        public void bind() {
            if (!prepared.contains(this)) {
                throw new IllegalStateException("the plan was taken from the workspace");
            }
            if (program == null) {
                program = plan.bind(device, slab, scratch);
            }
        }

        /** Runs all of it. Another plan's run overwrites what this one left in the slab. */
        public void run() {
            bind();
            device.submit(program);
        }

        /** Forgets the plan; the workspace keeps its size. */
        @Override
        public void close() {
            unbind();
            prepared.remove(this);
        }

        /** Runs it instruction by instruction and stops at the first result that is not finite. */
        public Optional<NonFinite> findNonFinite() {
            bind();
            return NonFinite.find(device, plan.instructions(), scratch);
        }

        private void unbind() {
            if (program != null) {
                program.close();
                program = null;
            }
        }
    }
}
