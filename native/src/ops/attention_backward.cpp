/* Softmax attention, backward: probabilities are made again from log_sum_exp (Dao 2023,
 * algorithm 2). A task is one head and one span of keys; its dk and dv are its own, and its
 * share of dq is added to the other spans' afterwards, in order. */
#include "attention_tile.h"

namespace sartor::SARTOR_ISA {

namespace {

/* Bytes of packed operands per thread that one wave of heads may take, unless a single group
 * of heads needs more. */
constexpr int64_t wave_bytes = 2 << 20;

template <class Units>
struct Layout {
  using unit = typename Units::unit;
  static constexpr bool same_forms = Units::pair == 1; /* rows and stacked form are one memory */
  Extent<Units> extent;
  int64_t key_blocks, query_blocks, groups, wave, span_blocks, spans;
  int group_heads;
  /* per group and key block */
  unit *k_transposed, *v_transposed, *k_stacked;
  /* per head and query block */
  unit *q_rows, *q_stacked, *d_o_rows, *d_o_stacked;
  float *delta; /* [tile]: row sums of d_o * o */
  /* sums before they are scaled and rounded */
  float *dq;       /* [head][span][query block][tile][padded] */
  float *dk, *dv;  /* [head][key block][tile][padded] */
  char *threads;
  int64_t thread_bytes;

  struct ThreadPart {
    float *scores, *d_scores;     /* [tile][tile] */
    unit *probabilities, *slopes; /* [tile / pair][tile], pairs of rows side by side */
    unit *slope_rows;             /* [tile][tile / pair], pairs of columns side by side */
    unit *rows;                   /* a rows form */
    ThreadPart(Scratch scratch, const Extent<Units> &extent, int64_t &bytes) {
      scores = scratch.take<float>(tile * tile);
      d_scores = scratch.take<float>(tile * tile);
      probabilities = scratch.take<unit>(tile * tile / Units::pair);
      slopes = scratch.take<unit>(tile * tile / Units::pair);
      slope_rows = same_forms ? slopes : scratch.take<unit>(tile * tile / Units::pair);
      rows = scratch.take<unit>(extent.rows_form());
      bytes = scratch.used;
    }
  };

  Layout(Scratch &scratch, int thread_count, const sartor_attention_backward &op)
      : extent(op.head_dim),
        key_blocks(ceil_div(op.key_length, tile)),
        query_blocks(ceil_div(op.query_length, tile)),
        groups(op.batch * op.kv_heads),
        /* At most four spans, none under 1024 keys: a split that does not depend on threads. */
        span_blocks(maximum<int64_t>(ceil_div(key_blocks, 4), 1024 / tile)),
        spans(maximum<int64_t>(ceil_div(key_blocks, span_blocks), 1)),
        group_heads(op.heads / op.kv_heads) {
    int64_t block = tile * extent.padded * 4;
    int64_t group = 3 * key_blocks * block + group_heads * ((4 + spans) * query_blocks + 2 * key_blocks) * block;
    wave = minimum(groups, thread_count * maximum<int64_t>(group > 0 ? wave_bytes / group : 1, 1));
    int64_t keys = wave * key_blocks, queries = wave * group_heads * query_blocks;
    k_transposed = scratch.take<unit>(keys * extent.transposed_form());
    v_transposed = scratch.take<unit>(keys * extent.transposed_form());
    k_stacked = scratch.take<unit>(keys * extent.stacked_form());
    q_rows = scratch.take<unit>(queries * extent.rows_form());
    d_o_rows = scratch.take<unit>(queries * extent.rows_form());
    q_stacked = same_forms ? q_rows : scratch.take<unit>(queries * extent.stacked_form());
    d_o_stacked = same_forms ? d_o_rows : scratch.take<unit>(queries * extent.stacked_form());
    delta = scratch.take<float>(queries * tile);
    dq = scratch.take<float>(queries * spans * tile * extent.padded);
    dk = scratch.take<float>(keys * group_heads * tile * extent.padded);
    dv = scratch.take<float>(keys * group_heads * tile * extent.padded);
    ThreadPart(Scratch{nullptr}, extent, thread_bytes);
    threads = scratch.take<char>(thread_bytes * thread_count);
  }
  ThreadPart part(int thread) const {
    int64_t bytes;
    return ThreadPart(Scratch{threads + thread * thread_bytes}, extent, bytes);
  }
};

/* scores = q k^T and d_scores = d_o v^T of a block -> probabilities and gradients of q k^T. */
template <class Units>
SARTOR_INLINE void gradients(const sartor_attention_backward &op, const QueryBlock &queries, int64_t key, int from, int to,
                             const float *log_sum_exp, const float *delta,
                             const typename Layout<Units>::ThreadPart &part) {
  const vf scale = splat(op.scale);
  const vf cap = splat(op.softcap), inverse_cap = splat(op.softcap > 0 ? 1.0f / op.softcap : 0.0f);
  auto cell = [&](int r, int c, bool masked, int first, int last, vf &p, vf &d) {
    vf s = load(part.scores + r * tile + c) * scale, steepness = splat(1.0f);
    if (op.softcap > 0) {
      vf t = tanh(s * inverse_cap);
      s = cap * t;
      steepness -= t * t;
    }
    p = exp_nonpositive(s - splat(log_sum_exp[r]));
    d = p * (load(part.d_scores + r * tile + c) - splat(delta[r]));
    if (op.softcap > 0) d *= steepness;
    if (masked) {
      vi seen = inside(c, first, last);
      p = select(seen, p, vf{});
      d = select(seen, d, vf{});
    }
  };
  for (int r = 0; r < queries.rows; r += Units::pair) {
    int first, last;
    queries.columns_of(r, key, first, last);
    bool masked = first > from || last < to;
    if constexpr (Units::pair == 1) {
      for (int c = from; c < to; c += lanes) {
        vf p, d;
        cell(r, c, masked, first, last, p, d);
        store(part.probabilities + r * tile + c, p);
        store(part.slopes + r * tile + c, d);
      }
    } else {
      bool both = r + 1 < queries.rows;
      int second_first = 0, second_last = 0;
      if (both) queries.columns_of(r + 1, key, second_first, second_last);
      bool second_masked = second_first > from || second_last < to;
      for (int c = from; c < to; c += lanes) {
        vf p0, d0, p1{}, d1{};
        cell(r, c, masked, first, last, p0, d0);
        if (both) cell(r + 1, c, second_masked, second_first, second_last, p1, d1);
        vh p0h = to_bfloat16(p0), p1h = to_bfloat16(p1), d0h = to_bfloat16(d0), d1h = to_bfloat16(d1);
        vu p = __builtin_convertvector(p0h, vu) | __builtin_convertvector(p1h, vu) << 16;
        vu d = __builtin_convertvector(d0h, vu) | __builtin_convertvector(d1h, vu) << 16;
        store((float *)part.probabilities + r / 2 * tile + c, (vf)p);
        store((float *)part.slopes + r / 2 * tile + c, (vf)d);
        *(vh_any *)((uint16_t *)part.slope_rows + r * tile + c) = d0h;
        *(vh_any *)((uint16_t *)part.slope_rows + (r + 1) * tile + c) = d1h;
      }
    }
  }
}

template <class T>
struct Backward {
  using Units = typename UnitsOf<T>::type;
  using unit = typename Units::unit;
  const sartor_attention_backward &op;
  const Layout<Units> &layout;
  const Extent<Units> &extent = layout.extent;
  int64_t wave; /* first group of the wave */

  int64_t batch_of(int64_t group) const { return (wave + group) / op.kv_heads; }
  int64_t kv_head_of(int64_t group) const { return (wave + group) % op.kv_heads; }

  void pack_keys(int64_t group, int64_t block, unit *rows) const {
    int64_t key = block * tile, count = minimum<int64_t>(tile, op.key_length - key);
    int64_t token = batch_of(group) * op.key_length + key, at = group * layout.key_blocks + block;
    const T *k = (const T *)op.k + token * op.k_stride + kv_head_of(group) * op.head_dim;
    const T *v = (const T *)op.v + token * op.v_stride + kv_head_of(group) * op.head_dim;
    to_rows_form(extent, rows, k, op.k_stride, count);
    to_transposed_form(extent, layout.k_transposed + at * extent.transposed_form(), rows);
    to_stacked_form(extent, layout.k_stacked + at * extent.stacked_form(), k, op.k_stride, count);
    to_rows_form(extent, rows, v, op.v_stride, count);
    to_transposed_form(extent, layout.v_transposed + at * extent.transposed_form(), rows);
  }

  void pack_queries(int64_t head, int64_t block) const {
    int64_t group = head / layout.group_heads;
    int64_t h = kv_head_of(group) * layout.group_heads + head % layout.group_heads;
    int64_t query = block * tile, count = minimum<int64_t>(tile, op.query_length - query);
    int64_t token = batch_of(group) * op.query_length + query, at = head * layout.query_blocks + block;
    const T *q = (const T *)op.q + token * op.q_stride + h * op.head_dim;
    int64_t o_stride = (int64_t)op.heads * op.head_dim;
    const T *d_o = (const T *)op.d_o + token * o_stride + h * op.head_dim;
    const T *o = (const T *)op.o + token * o_stride + h * op.head_dim;
    to_rows_form(extent, layout.q_rows + at * extent.rows_form(), q, op.q_stride, count);
    to_rows_form(extent, layout.d_o_rows + at * extent.rows_form(), d_o, o_stride, count);
    if (!Layout<Units>::same_forms) {
      to_stacked_form(extent, layout.q_stacked + at * extent.stacked_form(), q, op.q_stride, count);
      to_stacked_form(extent, layout.d_o_stacked + at * extent.stacked_form(), d_o, o_stride, count);
    }
    for (int64_t r = 0; r < count; r++)
      layout.delta[at * tile + r] = sum_over(op.head_dim, [&](int64_t i, auto n) {
        return load(d_o + r * o_stride + i, n) * load(o + r * o_stride + i, n);
      });
  }

  /* One head against one span of keys. */
  void accumulate(int64_t head, int64_t span, const typename Layout<Units>::ThreadPart &part) const {
    int64_t group = head / layout.group_heads, b = batch_of(group);
    int64_t h = kv_head_of(group) * layout.group_heads + head % layout.group_heads;
    int64_t block_size = tile * extent.padded;
    float *dq = layout.dq + (head * layout.spans + span) * layout.query_blocks * block_size;
    memset(dq, 0, sizeof(float) * (size_t)(layout.query_blocks * block_size));
    int64_t last_block = minimum(layout.key_blocks, (span + 1) * layout.span_blocks);
    for (int64_t key_block = span * layout.span_blocks; key_block < last_block; key_block++) {
      float *dk = layout.dk + (head * layout.key_blocks + key_block) * block_size;
      float *dv = layout.dv + (head * layout.key_blocks + key_block) * block_size;
      memset(dk, 0, sizeof(float) * (size_t)block_size);
      memset(dv, 0, sizeof(float) * (size_t)block_size);
      int64_t key_at = group * layout.key_blocks + key_block;
      for (int64_t query_block = 0; query_block < layout.query_blocks; query_block++) {
        int64_t query = query_block * tile, at = head * layout.query_blocks + query_block;
        int rows = (int)minimum<int64_t>(tile, op.query_length - query), from, to;
        QueryBlock queries(op.key_begin, op.key_end, b * op.query_length + query, rows, op.window);
        if (!queries.columns(key_block * tile, from, to)) continue;
        int64_t row_pairs = ceil_div(rows, Units::pair), column_pair = from / Units::pair;
        multiply<Units>(rows, to - from, extent.depth, {layout.q_rows + at * extent.rows_form(), extent.row_units, 1},
                        layout.k_transposed + key_at * extent.transposed_form() + from, tile, part.scores + from, tile,
                        false);
        multiply<Units>(rows, to - from, extent.depth, {layout.d_o_rows + at * extent.rows_form(), extent.row_units, 1},
                        layout.v_transposed + key_at * extent.transposed_form() + from, tile, part.d_scores + from,
                        tile, false);
        gradients<Units>(op, queries, key_block * tile, from, to,
                         op.log_sum_exp + (b * op.heads + h) * op.query_length + query, layout.delta + at * tile, part);
        multiply<Units>(to - from, extent.padded, row_pairs, {part.probabilities + from, 1, tile},
                        layout.d_o_stacked + at * extent.stacked_form(), extent.padded, dv + from * extent.padded,
                        extent.padded, true);
        multiply<Units>(to - from, extent.padded, row_pairs, {part.slopes + from, 1, tile},
                        layout.q_stacked + at * extent.stacked_form(), extent.padded, dk + from * extent.padded,
                        extent.padded, true);
        multiply<Units>(rows, extent.padded, (to - from) / Units::pair,
                        {part.slope_rows + column_pair, tile / Units::pair, 1},
                        layout.k_stacked + key_at * extent.stacked_form() + column_pair * extent.padded, extent.padded,
                        dq + query_block * block_size, extent.padded, true);
      }
    }
  }

  /* target row r = scale * sum of parts, in order. */
  void write(T *target, int64_t stride, int64_t rows, const float *parts, int64_t count, int64_t part_stride,
             float scale) const {
    for (int64_t r = 0; r < rows; r++)
      each_vector(op.head_dim, [&](int64_t i, auto n) {
        vf total{};
        for (int64_t part = 0; part < count; part++) total += load(parts + part * part_stride + r * extent.padded + i, n);
        store(target + r * stride + i, total * splat(scale), n);
      });
  }

  void write_keys(int64_t group, int64_t block) const {
    int64_t key = block * tile, rows = minimum<int64_t>(tile, op.key_length - key);
    int64_t token = batch_of(group) * op.key_length + key, block_size = tile * extent.padded;
    int64_t at = (group * layout.group_heads * layout.key_blocks + block) * block_size;
    int64_t column = kv_head_of(group) * op.head_dim, head = layout.key_blocks * block_size;
    write((T *)op.dk + token * op.dk_stride + column, op.dk_stride, rows, layout.dk + at, layout.group_heads, head,
          op.scale);
    write((T *)op.dv + token * op.dv_stride + column, op.dv_stride, rows, layout.dv + at, layout.group_heads, head,
          1.0f);
  }

  void write_queries(int64_t head, int64_t block) const {
    int64_t group = head / layout.group_heads;
    int64_t h = kv_head_of(group) * layout.group_heads + head % layout.group_heads;
    int64_t query = block * tile, rows = minimum<int64_t>(tile, op.query_length - query);
    int64_t token = batch_of(group) * op.query_length + query, block_size = tile * extent.padded;
    write((T *)op.dq + token * op.dq_stride + h * op.head_dim, op.dq_stride, rows,
          layout.dq + (head * layout.spans * layout.query_blocks + block) * block_size, layout.spans,
          layout.query_blocks * block_size, op.scale);
  }
};

template <class T>
int32_t run(Context &context, const sartor_attention_backward &op) {
  using Units = typename UnitsOf<T>::type;
  Scratch scratch{context.scratch};
  Layout<Units> layout(scratch, context.threads, op);
  /* Tasks on blocks: of each group its key blocks, then the query blocks of its heads. */
  int64_t group_queries = layout.group_heads * layout.query_blocks, group_tasks = layout.key_blocks + group_queries;
  for (int64_t wave = 0; wave < layout.groups; wave += layout.wave) {
    Backward<T> backward{op, layout, layout.extent, wave};
    int64_t groups = minimum(layout.wave, layout.groups - wave);
    context.parallel(groups * group_tasks, [&](int64_t first, int64_t last, int thread) {
      for (int64_t task = first; task < last; task++) {
        int64_t group = task / group_tasks, block = task % group_tasks - layout.key_blocks;
        if (block < 0)
          backward.pack_keys(group, block + layout.key_blocks, layout.part(thread).rows);
        else
          backward.pack_queries(group * layout.group_heads + block / layout.query_blocks, block % layout.query_blocks);
      }
    });
    context.parallel(groups * layout.group_heads * layout.spans, [&](int64_t first, int64_t last, int thread) {
      for (int64_t task = first; task < last; task++)
        backward.accumulate(task / layout.spans, task % layout.spans, layout.part(thread));
    });
    context.parallel(groups * group_tasks, [&](int64_t first, int64_t last, int) {
      for (int64_t task = first; task < last; task++) {
        int64_t group = task / group_tasks, block = task % group_tasks - layout.key_blocks;
        if (block < 0)
          backward.write_keys(group, block + layout.key_blocks);
        else
          backward.write_queries(group * layout.group_heads + block / layout.query_blocks, block % layout.query_blocks);
      }
    });
  }
  return SARTOR_OK;
}

} // namespace

int64_t attention_backward_scratch(int threads, const sartor_attention_backward &op) {
  if (op.kv_heads <= 0 || op.heads <= 0 || op.head_dim <= 0) return 0; /* refused when run */
  Scratch scratch{nullptr};
  if (op.dtype == SARTOR_BFLOAT16)
    Layout<UnitsOf<bfloat16>::type>(scratch, threads, op);
  else
    Layout<FloatUnits>(scratch, threads, op);
  return scratch.used;
}

int32_t attention_backward(Context &context, const sartor_attention_backward &op) {
  int32_t status = check_attention(context, "attention_backward", op);
  if (status != SARTOR_OK || op.batch == 0) return status;
  int64_t q_width = (int64_t)op.heads * op.head_dim, k_width = (int64_t)op.kv_heads * op.head_dim;
  SARTOR_REQUIRE(op.dq_stride >= q_width && op.dk_stride >= k_width && op.dv_stride >= k_width,
                 "attention_backward: strides of dq, dk, dv are %lld, %lld, %lld, must be at least heads * head_dim = "
                 "%lld, %lld, %lld",
                 (long long)op.dq_stride, (long long)op.dk_stride, (long long)op.dv_stride, (long long)q_width,
                 (long long)k_width, (long long)k_width);
  SARTOR_REQUIRE((op.d_o && op.dq) || op.query_length == 0, "attention_backward: d_o or dq is null");
  SARTOR_REQUIRE((op.dk && op.dv) || op.key_length == 0, "attention_backward: dk or dv is null");
  return for_activation_dtype(context, "attention_backward", op.dtype,
                              [&](auto type) { return run<decltype(type)>(context, op); });
}

} // namespace sartor::SARTOR_ISA
