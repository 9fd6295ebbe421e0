package dev.sartor.backend.reference;

import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import dev.sartor.device.QuantType;
import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.Adafactor;
import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.AdamW8Bit;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.AttentionSink;
import dev.sartor.device.kernel.AttentionSinkBackward;
import dev.sartor.device.kernel.CacheWrite;
import dev.sartor.device.kernel.CheckFinite;
import dev.sartor.device.kernel.Clip;
import dev.sartor.device.kernel.ColumnScale;
import dev.sartor.device.kernel.ColumnScaleBackward;
import dev.sartor.device.kernel.Combine;
import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Dispatch;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.DoraScaleBackward;
import dev.sartor.device.kernel.Dropout;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.EmbeddingBackward;
import dev.sartor.device.kernel.GroupedLinear;
import dev.sartor.device.kernel.GroupedLinearBackward;
import dev.sartor.device.kernel.Jitter;
import dev.sartor.device.kernel.LayerNorm;
import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.device.kernel.LinearCrossEntropy;
import dev.sartor.device.kernel.Lion;
import dev.sartor.device.kernel.Logits;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.device.kernel.MatMul;
import dev.sartor.device.kernel.MuonMomentum;
import dev.sartor.device.kernel.MuonUpdate;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.device.kernel.Rope;
import dev.sartor.device.kernel.Route;
import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.RouterLosses;
import dev.sartor.device.kernel.RouterStatistics;
import dev.sartor.device.kernel.Sample;
import dev.sartor.device.kernel.ScheduleFreeAdamW;
import dev.sartor.device.kernel.ScheduleFreeWeight;
import dev.sartor.device.kernel.SumSquares;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.device.kernel.WeightedSum;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The oracle: every kernel in plain Java, in double precision, in the obvious order. Results are
 * rounded once, when they are stored. It takes float64 wherever it takes another float type, so that
 * gradients can be compared with finite differences.
 *
 * <p>Safe for use from several threads; one program at a time runs.
 */
public final class ReferenceDevice implements Device {
    private final Set<HostBuffer> buffers = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean closed;

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public String description() {
        return "plain Java in double precision, one thread: slow, for checking other devices";
    }

    @Override
    public synchronized Buffer allocate(long bytes) {
        if (bytes <= 0) {
            throw new DeviceException("a buffer of " + bytes + " bytes was asked for, expected more than zero");
        }
        var arena = Arena.ofShared();
        var buffer = new HostBuffer(arena.allocate(bytes, Memory.ALIGNMENT), arena);
        buffers.add(buffer);
        return buffer;
    }

    /** Frees at once. Closing the device has freed everything: then this does nothing. */
    @Override
    public synchronized void free(Buffer buffer) {
        if (closed) {
            return;
        }
        var host = own(buffer, "free");
        buffers.remove(host);
        if (host.arena() != null) {
            host.arena().close();
        }
    }

    @Override
    public Buffer wrap(MemorySegment memory) {
        return wrapWritable(memory.asReadOnly());
    }

    @Override
    public synchronized Buffer wrapWritable(MemorySegment memory) {
        var buffer = new HostBuffer(memory, null);
        buffers.add(buffer);
        return buffer;
    }

    @Override
    public void write(MemorySegment from, Tensor to) {
        var memory = segment(to, from, "write");
        if (memory.isReadOnly()) {
            throw new DeviceException("write: wrapped memory is only read");
        }
        memory.copyFrom(from);
    }

    @Override
    public void read(Tensor from, MemorySegment to) {
        to.copyFrom(segment(from, to, "read"));
    }

    @Override
    public long packedBytes(long rows, long columns, DType dtype) {
        if (dtype != DType.FLOAT32 && dtype != DType.BFLOAT16 && dtype != DType.FLOAT64) {
            throw new IllegalArgumentException("weights are packed as float32 or bfloat16, not " + dtype);
        }
        return Memory.align(Math.multiplyExact(Math.multiplyExact(rows, columns), (long) dtype.bytes()));
    }

    @Override
    public long packedBytes(long rows, long columns, QuantType type) {
        return Memory.align(type.rowMajorBytes(rows, columns));
    }

    @Override
    public long packedScales(long rows, long columns, QuantType type) {
        return type.rowMajorScales(rows, columns);
    }

    @Override
    public long scratchBytes(Instruction instruction) {
        return 0;
    }

    @Override
    public Program compile(List<Instruction> instructions, Buffer scratch) {
        for (var instruction : instructions) {
            var kernel = instruction.kernel();
            Stream.concat(kernel.reads().stream(), kernel.writes().stream())
                    .forEach(tensor -> own(tensor.storage(), instruction.where() + ": " + kernel.name()));
        }
        return new ReferenceProgram(this, List.copyOf(instructions));
    }

    @Override
    public synchronized void submit(Program program) {
        if (!(program instanceof ReferenceProgram reference) || reference.device() != this) {
            throw new DeviceException("the program was compiled for another device than this " + name());
        }
        reference.instructions().forEach(ReferenceDevice::run);
    }

    @Override
    public synchronized void close() {
        List.copyOf(buffers).forEach(this::free);
        closed = true;
    }

    private record ReferenceProgram(ReferenceDevice device, List<Instruction> instructions) implements Program {
        @Override
        public void close() {
            // It holds nothing but the instructions.
        }
    }

    private MemorySegment segment(Tensor tensor, MemorySegment host, String what) {
        if (tensor.spec().bytes() != host.byteSize()) {
            throw new DeviceException(
                    what + ": " + tensor.spec() + " has " + tensor.spec().bytes() + " bytes, the host memory " + host.byteSize());
        }
        var storage = tensor.storage();
        return own(storage, what).memory().asSlice(storage.position() + tensor.offset(), host.byteSize());
    }

    private HostBuffer own(Storage storage, String what) {
        if (!storage.isPlaced()) {
            throw new DeviceException(what + ": the memory of " + storage.bytes() + " bytes was not yet placed");
        }
        return own(storage.buffer(), what);
    }

    private synchronized HostBuffer own(Buffer buffer, String what) {
        if (buffer instanceof HostBuffer host && buffers.contains(host)) {
            return host;
        }
        throw new DeviceException(what + ": the memory is not, or no longer, the reference device's");
    }

    private static void run(Instruction instruction) {
        var use = new Operands(instruction);
        try {
            run(instruction, use);
        } catch (IllegalStateException | IllegalArgumentException | UnsupportedOperationException failure) {
            // Memory that was freed, or that is read-only because it is a mapped file.
            throw new DeviceException(
                    instruction.where() + ": " + instruction.kernel().name() + ": " + failure.getMessage(), failure);
        }
    }

    private static void run(Instruction instruction, Operands use) {
        switch (instruction.kernel()) {
            case Quantize k -> Quantizing.quantize(k, use);
            case Pack k -> Packing.pack(k, use);
            case Unpack k -> Packing.unpack(k, use);
            case LoraLinear k -> Linears.forward(k, use);
            case LoraLinearBackward k -> Linears.backward(k, use);
            case DoraScale k -> ColumnScales.dora(k, use);
            case DoraScaleBackward k -> ColumnScales.doraBackward(k, use);
            case ColumnScale k -> ColumnScales.forward(k, use);
            case ColumnScaleBackward k -> ColumnScales.backward(k, use);
            case RmsNorm k -> Norms.rms(k, use);
            case RmsNormBackward k -> Norms.rmsBackward(k, use);
            case LayerNorm k -> Norms.layer(k, use);
            case LayerNormBackward k -> Norms.layerBackward(k, use);
            case Rope k -> Rotations.rope(k, use);
            case Attention k -> Attentions.forward(k, use);
            case AttentionBackward k -> Attentions.backward(k, use);
            case CacheWrite k -> Embeddings.cacheWrite(k, use);
            case Activation k -> Activations.forward(k, use);
            case ActivationBackward k -> Activations.backward(k, use);
            case Embedding k -> Embeddings.forward(k, use);
            case EmbeddingBackward k -> Embeddings.backward(k, use);
            case LinearCrossEntropy k -> Losses.crossEntropy(k, use);
            case Logits k -> Losses.logits(k, use);
            case WeightedSum k -> Reductions.weightedSum(k, use);
            case Add k -> Elementwise.add(k, use);
            case Dropout k -> Elementwise.dropout(k, use);
            case Convert k -> Elementwise.convert(k, use);
            case Zero k -> Elementwise.zero(k, use);
            case SumSquares k -> Reductions.sumSquares(k, use);
            case Clip k -> Optimizers.clip(k, use);
            case AdamW k -> Optimizers.adamW(k, use);
            case AdamW8Bit k -> Optimizers.adamW8Bit(k, use);
            case Lion k -> Optimizers.lion(k, use);
            case Adafactor k -> Adafactors.adafactor(k, use);
            case ScheduleFreeWeight k -> Optimizers.scheduleFreeWeight(k, use);
            case ScheduleFreeAdamW k -> Optimizers.scheduleFreeAdamW(k, use);
            case MuonMomentum k -> Optimizers.muonMomentum(k, use);
            case MuonUpdate k -> Optimizers.muonUpdate(k, use);
            case MatMul k -> Linears.matMul(k, use);
            case CheckFinite k -> Reductions.checkFinite(k, use);
            case Sample k -> Sampler.sample(k, use);
            case Route k -> Routings.forward(k, use);
            case RouteBackward k -> Routings.backward(k, use);
            case Dispatch k -> Dispatches.dispatch(k, use);
            case GroupedLinear k -> Grouped.forward(k, use);
            case GroupedLinearBackward k -> Grouped.backward(k, use);
            case RouterLosses k -> RouterLoss.losses(k, use);
            case RouterStatistics k -> RouterLoss.statistics(k, use);
            case Jitter k -> Elementwise.jitter(k, use);
            case AttentionSink k -> AttentionSinks.forward(k, use);
            case AttentionSinkBackward k -> AttentionSinks.backward(k, use);
            case Combine k -> Dispatches.combine(k, use);
            case CombineBackward k -> Dispatches.combineBackward(k, use);
        }
    }
}
