package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT32;

import dev.sartor.bindings.cpu.sartor_attention;
import dev.sartor.bindings.cpu.sartor_attention_backward;
import dev.sartor.bindings.cpu.sartor_attention_sink;
import dev.sartor.bindings.cpu.sartor_attention_sink_backward;
import dev.sartor.bindings.cpu.sartor_cache_write;
import dev.sartor.bindings.cpu.sartor_rope;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.AttentionSink;
import dev.sartor.device.kernel.AttentionSinkBackward;
import dev.sartor.device.kernel.CacheWrite;
import dev.sartor.device.kernel.Rope;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;

/** Rotary embedding, attention, the KV cache. */
final class EncodeAttention {
    private EncodeAttention() {}

    static void rope(Rope k, Arguments a) {
        var s = a.struct();
        var x = a.present("x", k.x());
        var y = a.present("y", k.y());
        var dtype = a.computeType("x", x.matrix());
        long rows = x.rows();
        long heads = headCount("x", x, k.headDim(), a);
        long positions = a.rows("cosine", k.cosine());
        long half = a.width("cosine", k.cosine());
        a.require(2 * half <= k.headDim(), "cosine", "at most " + k.headDim() / 2 + " columns, half a head",
                k.cosine().spec());
        sartor_rope.x(s, a.in("x", x, dtype, rows, x.count()));
        sartor_rope.y(s, a.out("y", y, dtype, rows, x.count()));
        sartor_rope.cosine(s, a.in("cosine", k.cosine(), FLOAT32, positions, half));
        sartor_rope.sine(s, a.in("sine", k.sine(), FLOAT32, positions, half));
        sartor_rope.positions(s, a.in("positions", k.positions(), INT32, rows));
        sartor_rope.rows(s, rows);
        sartor_rope.x_stride(s, x.stride());
        sartor_rope.y_stride(s, y.stride());
        sartor_rope.position_count(s, positions);
        sartor_rope.heads(s, a.int32("x", heads));
        sartor_rope.head_dim(s, k.headDim());
        sartor_rope.rotary_dim(s, a.int32("cosine", 2 * half));
        sartor_rope.interleaved(s, Arguments.flag(k.interleaved()));
        sartor_rope.inverse(s, Arguments.flag(k.inverse()));
        sartor_rope.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_rope.dtype(s, a.code("x", dtype));
        a.mayBeInPlace("y", "x");
    }

    /** Sizes that attention's arguments share. */
    private record Sizes(
            DType dtype, long batch, long queries, long keys, long heads, long kvHeads, long qWidth, long kvWidth) {
        long queryRows() {
            return batch * queries;
        }

        long keyRows() {
            return batch * keys;
        }

        static Sizes of(
                Columns q, Columns k, Columns v, Tensor keyBegin, int headDim, int window, float softcap, Arguments a) {
            var dtype = a.computeType("q", a.present("q", q).matrix());
            a.present("k", k);
            a.present("v", v);
            var ranges = a.present("keyBegin", keyBegin).shape();
            a.require(ranges.rank() == 2 && ranges.elements() > 0, "keyBegin", "[batch, queries]", keyBegin.spec());
            long batch = ranges.dim(0);
            a.require(k.rows() > 0 && k.rows() % batch == 0, "k", "a multiple of the batch's " + batch + " as rows",
                    k.matrix().spec());
            long heads = headCount("q", q, headDim, a);
            long kvHeads = headCount("k", k, headDim, a);
            a.require(heads % kvHeads == 0, "k", "a number of heads that divides " + heads, kvHeads);
            a.require(window >= 0, "window", "0 (no window) or more", window);
            a.notNegative("softcap", softcap);
            a.int32("q", heads);
            return new Sizes(dtype, batch, ranges.dim(1), k.rows() / batch, heads, kvHeads, q.count(), k.count());
        }
    }

    static void attention(Attention k, Arguments a) {
        var s = a.struct();
        var n = Sizes.of(k.q(), k.k(), k.v(), k.keyBegin(), k.headDim(), k.window(), k.softcap(), a);
        sartor_attention.q(s, a.in("q", k.q(), n.dtype(), n.queryRows(), n.qWidth()));
        sartor_attention.k(s, a.in("k", k.k(), n.dtype(), n.keyRows(), n.kvWidth()));
        sartor_attention.v(s, a.in("v", k.v(), n.dtype(), n.keyRows(), n.kvWidth()));
        sartor_attention.o(s, a.out("o", k.o(), n.dtype(), n.queryRows() * n.qWidth()));
        sartor_attention.log_sum_exp(
                s, a.out("logSumExp", k.logSumExp(), FLOAT32, n.batch() * n.heads() * n.queries()));
        sartor_attention.key_begin(s, a.in("keyBegin", k.keyBegin(), INT32, n.batch(), n.queries()));
        sartor_attention.key_end(s, a.in("keyEnd", k.keyEnd(), INT32, n.batch(), n.queries()));
        sartor_attention.batch(s, n.batch());
        sartor_attention.query_length(s, n.queries());
        sartor_attention.key_length(s, n.keys());
        sartor_attention.q_stride(s, k.q().stride());
        sartor_attention.k_stride(s, k.k().stride());
        sartor_attention.v_stride(s, k.v().stride());
        sartor_attention.heads(s, (int) n.heads());
        sartor_attention.kv_heads(s, (int) n.kvHeads());
        sartor_attention.head_dim(s, k.headDim());
        sartor_attention.window(s, k.window());
        sartor_attention.scale(s, a.finite("scale", k.scale()));
        sartor_attention.softcap(s, k.softcap());
        sartor_attention.dtype(s, a.code("q", n.dtype()));
    }

    static void attentionSink(AttentionSink k, Arguments a) {
        var s = a.struct();
        var n = SinkSizes.of(k.o(), k.logSumExp(), a);
        sartor_attention_sink.o(s, a.out("o", k.o(), n.dtype(), n.elements()));
        sartor_attention_sink.log_sum_exp(s, a.out("logSumExp", k.logSumExp(), FLOAT32, n.batch(), n.heads(), n.queries()));
        sartor_attention_sink.sinks(s, a.in("sinks", k.sinks(), FLOAT32, n.heads()));
        sartor_attention_sink.batch(s, n.batch());
        sartor_attention_sink.query_length(s, n.queries());
        sartor_attention_sink.heads(s, a.int32("logSumExp", n.heads()));
        sartor_attention_sink.head_dim(s, a.int32("o", n.headDim()));
        sartor_attention_sink.dtype(s, a.code("o", n.dtype()));
    }

    static void attentionSinkBackward(AttentionSinkBackward k, Arguments a) {
        var s = a.struct();
        var n = SinkSizes.of(k.o(), k.logSumExp(), a);
        sartor_attention_sink_backward.d_o(s, a.in("dO", k.dO(), n.dtype(), n.elements()));
        sartor_attention_sink_backward.o(s, a.in("o", k.o(), n.dtype(), n.elements()));
        sartor_attention_sink_backward.log_sum_exp(
                s, a.in("logSumExp", k.logSumExp(), FLOAT32, n.batch(), n.heads(), n.queries()));
        sartor_attention_sink_backward.sinks(s, a.in("sinks", k.sinks(), FLOAT32, n.heads()));
        sartor_attention_sink_backward.d_sinks(s, a.out("dSinks", k.dSinks(), FLOAT32, n.heads()));
        sartor_attention_sink_backward.batch(s, n.batch());
        sartor_attention_sink_backward.query_length(s, n.queries());
        sartor_attention_sink_backward.heads(s, a.int32("logSumExp", n.heads()));
        sartor_attention_sink_backward.head_dim(s, a.int32("o", n.headDim()));
        sartor_attention_sink_backward.dtype(s, a.code("o", n.dtype()));
    }

    /** Sizes that a sink's arguments share. */
    private record SinkSizes(DType dtype, long batch, long heads, long queries, long headDim) {
        long elements() {
            return batch * queries * heads * headDim;
        }

        static SinkSizes of(Tensor o, Tensor logSumExp, Arguments a) {
            var dtype = a.computeType("o", o);
            var shape = a.present("logSumExp", logSumExp).shape();
            a.require(shape.rank() == 3 && shape.elements() > 0, "logSumExp", "[batch, heads, queries]", logSumExp.spec());
            long heads = shape.dim(1);
            a.require(a.rows("o", o) == shape.dim(0) * shape.dim(2) && a.width("o", o) % heads == 0, "o",
                    "[batch * queries, heads * headDim] of logSumExp " + shape, o.spec());
            return new SinkSizes(dtype, shape.dim(0), heads, shape.dim(2), o.shape().last() / heads);
        }
    }

    static void attentionBackward(AttentionBackward k, Arguments a) {
        var s = a.struct();
        var n = Sizes.of(k.q(), k.k(), k.v(), k.keyBegin(), k.headDim(), k.window(), k.softcap(), a);
        sartor_attention_backward.d_o(s, a.in("dO", k.dO(), n.dtype(), n.queryRows() * n.qWidth()));
        sartor_attention_backward.q(s, a.in("q", k.q(), n.dtype(), n.queryRows(), n.qWidth()));
        sartor_attention_backward.k(s, a.in("k", k.k(), n.dtype(), n.keyRows(), n.kvWidth()));
        sartor_attention_backward.v(s, a.in("v", k.v(), n.dtype(), n.keyRows(), n.kvWidth()));
        sartor_attention_backward.o(s, a.in("o", k.o(), n.dtype(), n.queryRows() * n.qWidth()));
        sartor_attention_backward.log_sum_exp(
                s, a.in("logSumExp", k.logSumExp(), FLOAT32, n.batch() * n.heads() * n.queries()));
        sartor_attention_backward.key_begin(s, a.in("keyBegin", k.keyBegin(), INT32, n.batch(), n.queries()));
        sartor_attention_backward.key_end(s, a.in("keyEnd", k.keyEnd(), INT32, n.batch(), n.queries()));
        sartor_attention_backward.dq(s, a.out("dq", k.dq(), n.dtype(), n.queryRows(), n.qWidth()));
        sartor_attention_backward.dk(s, a.out("dk", k.dk(), n.dtype(), n.keyRows(), n.kvWidth()));
        sartor_attention_backward.dv(s, a.out("dv", k.dv(), n.dtype(), n.keyRows(), n.kvWidth()));
        sartor_attention_backward.batch(s, n.batch());
        sartor_attention_backward.query_length(s, n.queries());
        sartor_attention_backward.key_length(s, n.keys());
        sartor_attention_backward.q_stride(s, k.q().stride());
        sartor_attention_backward.k_stride(s, k.k().stride());
        sartor_attention_backward.v_stride(s, k.v().stride());
        sartor_attention_backward.dq_stride(s, k.dq().stride());
        sartor_attention_backward.dk_stride(s, k.dk().stride());
        sartor_attention_backward.dv_stride(s, k.dv().stride());
        sartor_attention_backward.heads(s, (int) n.heads());
        sartor_attention_backward.kv_heads(s, (int) n.kvHeads());
        sartor_attention_backward.head_dim(s, k.headDim());
        sartor_attention_backward.window(s, k.window());
        sartor_attention_backward.scale(s, a.finite("scale", k.scale()));
        sartor_attention_backward.softcap(s, k.softcap());
        sartor_attention_backward.dtype(s, a.code("q", n.dtype()));
    }

    static void cacheWrite(CacheWrite k, Arguments a) {
        var s = a.struct();
        var x = a.present("x", k.x());
        var dtype = a.computeType("x", x.matrix());
        var cache = a.present("cache", k.cache()).shape();
        var slots = a.present("slots", k.slots()).shape();
        a.require(cache.rank() == 3, "cache", "[batch, capacity, width]", k.cache().spec());
        a.require(slots.rank() == 2, "slots", "[batch, length]", k.slots().spec());
        long batch = cache.dim(0);
        long capacity = cache.dim(1);
        long length = slots.dim(1);
        sartor_cache_write.x(s, a.in("x", x, dtype, batch * length, x.count()));
        sartor_cache_write.cache(s, a.out("cache", k.cache(), dtype, batch, capacity, x.count()));
        sartor_cache_write.slots(s, a.in("slots", k.slots(), INT32, batch, length));
        sartor_cache_write.batch(s, batch);
        sartor_cache_write.length(s, length);
        sartor_cache_write.capacity(s, capacity);
        sartor_cache_write.width(s, x.count());
        sartor_cache_write.x_stride(s, x.stride());
        sartor_cache_write.dtype(s, a.code("x", dtype));
    }

    private static long headCount(String name, Columns columns, int headDim, Arguments a) {
        a.require(headDim > 0, "headDim", "1 or more", headDim);
        a.require(columns.count() > 0 && columns.count() % headDim == 0, name,
                "a multiple of headDim " + headDim + " as columns", columns.count());
        return columns.count() / headDim;
    }
}
