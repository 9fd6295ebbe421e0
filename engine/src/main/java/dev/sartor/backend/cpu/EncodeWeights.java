package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.bindings.cpu.sartor_dora_scale;
import dev.sartor.bindings.cpu.sartor_dora_scale_backward;
import dev.sartor.bindings.cpu.sartor_pack;
import dev.sartor.bindings.cpu.sartor_quantize;
import dev.sartor.bindings.cpu.sartor_unpack;
import dev.sartor.device.Layout;
import dev.sartor.device.Quantization;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.DoraScaleBackward;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;

/** Kernels on whole weights: quantizing, packing, unpacking, DoRA's norms. */
final class EncodeWeights {
    private EncodeWeights() {}

    static void pack(Pack k, Arguments a) {
        var s = a.struct();
        var source = a.present("source", k.source());
        var packed = a.present("packed", k.packed());
        a.require(packed.layout() == Layout.PACKED, "packed", "a packed matrix", Matrices.text(packed));
        a.require(source.layout() == Layout.ROW_MAJOR, "source", "a row-major matrix", Matrices.text(source));
        var expected = k.transpose() ? Shape.of(packed.columns(), packed.rows()) : Shape.of(packed.rows(), packed.columns());
        a.require(source.rows() == expected.dim(0) && source.columns() == expected.dim(1), "source",
                Arguments.text(source.dtype()) + expected, Matrices.text(source));
        if (packed.isQuantized()) {
            a.require(source.isQuantized() && source.quantization().type() == packed.quantization().type(), "source",
                    "a matrix of " + packed.quantization().type() + ", as packed is", Matrices.text(source));
            a.require(!k.transpose(), "transpose", "false for quantized matrices", true);
            a.require(Matrices.isNested(source) == Matrices.isNested(packed), "packed",
                    "nested scales where the source has them", Matrices.text(packed));
        }
        Matrices.read(sartor_pack.source(s), "source", source, a);
        Matrices.written(sartor_pack.packed(s), "packed", packed, a);
        sartor_pack.transpose(s, Arguments.flag(k.transpose()));
    }

    static void quantize(Quantize k, Arguments a) {
        var s = a.struct();
        var target = a.present("target", k.target());
        a.require(target.layout() == Layout.ROW_MAJOR && target.isQuantized() && !Matrices.isNested(target), "target",
                "a row-major quantized matrix without nested scales", Matrices.text(target));
        var source = a.present("source", k.source());
        a.require(source.dtype() == FLOAT32 || source.dtype() == DType.BFLOAT16 || source.dtype() == DType.FLOAT16,
                "source", "float32, bfloat16 or float16", source.spec());
        long rows = target.rows();
        long columns = target.columns();
        sartor_quantize.source(s, k.transpose()
                ? a.inUnaligned("source", source, source.dtype(), columns, rows)
                : a.inUnaligned("source", source, source.dtype(), rows, columns));
        sartor_quantize.codes(s, Matrices.data("target", target, true, a));
        switch (target.quantization()) {
            case Quantization.FourBit codes -> sartor_quantize.absmax(s, a.out("target.absmax", codes.absmax(), FLOAT32,
                    codes.type().rowMajorScales(rows, columns)));
            case Quantization.RowWise8 codes -> {
                sartor_quantize.absmax(s, a.out("target.scale", codes.scale(), FLOAT32, rows));
                if (codes.outliers() != null) {
                    long count = a.count("target.outliers.columns", codes.outliers().columns());
                    sartor_quantize.outlier_columns(s,
                            a.in("target.outliers.columns", codes.outliers().columns(), DType.INT32, count));
                    sartor_quantize.outliers(s,
                            a.out("target.outliers.values", codes.outliers().values(), DType.BFLOAT16, count, rows));
                    sartor_quantize.outlier_count(s, count);
                }
            }
        }
        sartor_quantize.rows(s, rows);
        sartor_quantize.columns(s, columns);
        sartor_quantize.source_dtype(s, a.code("source", source.dtype()));
        sartor_quantize.dtype(s, Arguments.code(target.quantization().type()));
        sartor_quantize.transpose(s, Arguments.flag(k.transpose()));
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
