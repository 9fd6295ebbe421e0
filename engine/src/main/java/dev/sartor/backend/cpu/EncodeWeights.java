package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.bindings.cpu.sartor_dora_scale;
import dev.sartor.bindings.cpu.sartor_dora_scale_backward;
import dev.sartor.bindings.cpu.sartor_pack;
import dev.sartor.bindings.cpu.sartor_unpack;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.DoraScaleBackward;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.tensor.DType;

/** Kernels on whole weights: packing, unpacking, DoRA's norms. */
final class EncodeWeights {
    private EncodeWeights() {}

    static void pack(Pack k, Arguments a) {
        var s = a.struct();
        sartor_pack.packed(s, a.packed("packed", k.packed()));
        long rows = k.packed().rows();
        long columns = k.packed().columns();
        var source = a.present("source", k.source());
        a.require(source.dtype() == FLOAT32 || source.dtype() == DType.BFLOAT16 || source.dtype() == DType.FLOAT16,
                "source", "float32, bfloat16 or float16", source.spec());
        sartor_pack.source(s, k.transpose()
                ? a.inUnaligned("source", source, source.dtype(), columns, rows)
                : a.inUnaligned("source", source, source.dtype(), rows, columns));
        sartor_pack.rows(s, rows);
        sartor_pack.columns(s, columns);
        sartor_pack.source_dtype(s, a.code("source", source.dtype()));
        sartor_pack.dtype(s, a.code("packed", k.packed().dtype()));
        sartor_pack.transpose(s, Arguments.flag(k.transpose()));
    }

    static void unpack(Unpack k, Arguments a) {
        var s = a.struct();
        a.weight(sartor_unpack.weight(s), "weight", k.weight());
        long rows = a.rows("y", k.y());
        a.require(k.firstRow() >= 0 && k.firstRow() <= k.weight().rows() - rows, "firstRow",
                "0 to " + (k.weight().rows() - rows) + " for " + rows + " of " + k.weight().rows() + " rows", k.firstRow());
        sartor_unpack.y(s, a.out("y", k.y(), FLOAT32, rows, k.weight().columns()));
        sartor_unpack.first_row(s, k.firstRow());
        sartor_unpack.row_count(s, rows);
    }

    static void doraScale(DoraScale k, Arguments a) {
        var s = a.struct();
        a.weight(sartor_dora_scale.weight(s), "weight", k.weight());
        long out = k.weight().rows();
        long rank = a.rows("loraA", k.loraA());
        a.require((k.magnitude() == null) == (k.scale() == null), "scale", "a tensor where magnitude is one, else none",
                k.scale() == null ? "none" : k.scale().spec());
        sartor_dora_scale.lora_a(s, a.in("loraA", k.loraA(), FLOAT32, rank, k.weight().columns()));
        sartor_dora_scale.lora_b(s, a.in("loraB", k.loraB(), FLOAT32, out, rank));
        sartor_dora_scale.magnitude(s, a.inOrNull("magnitude", k.magnitude(), FLOAT32, out));
        sartor_dora_scale.scale(s, a.outOrNull("scale", k.scale(), FLOAT32, out));
        sartor_dora_scale.norm(s, a.out("norm", k.norm(), FLOAT32, out));
        sartor_dora_scale.rank(s, a.int32("rank", rank));
        sartor_dora_scale.scaling(s, a.finite("scaling", k.scaling()));
    }

    static void doraScaleBackward(DoraScaleBackward k, Arguments a) {
        var s = a.struct();
        long out = a.count("dScale", k.dScale());
        sartor_dora_scale_backward.d_scale(s, a.in("dScale", k.dScale(), FLOAT32, out));
        sartor_dora_scale_backward.norm(s, a.in("norm", k.norm(), FLOAT32, out));
        sartor_dora_scale_backward.d_magnitude(s, a.out("dMagnitude", k.dMagnitude(), FLOAT32, out));
        sartor_dora_scale_backward.out(s, out);
    }
}
