/* Softmax attention, forward: blocks of queries against blocks of keys with online softmax
 * (Dao et al. 2022). Few queries against a long cache go to attention_decode.h. */
#include <math.h>

#include "attention_decode.h"
#include "attention_tile.h"

namespace sartor::SARTOR_ISA {

namespace {

/* Bytes of packed keys and values per thread that one wave of heads may take, unless a single
 * head needs more: about what stays in a core's cache. */
constexpr int64_t wave_bytes = 1 << 20;

template <class Units>
struct Layout {
  using unit = typename Units::unit;
  Extent<Units> extent;
  int64_t key_blocks, query_blocks, groups, wave;
  int group_heads;
  unit *k, *v;           /* [wave][key block]: transposed form of k, stacked form of v */
  char *threads;         /* [thread]: ThreadPart */
  int64_t thread_bytes;

  struct ThreadPart {
    unit *q, *probabilities;
    float *scores, *sums;
    ThreadPart(Scratch scratch, const Extent<Units> &extent, int64_t &bytes) {
      q = scratch.take<unit>(extent.rows_form());
      probabilities = scratch.take<unit>(tile * tile / Units::pair);
      scores = scratch.take<float>(tile * tile);
      sums = scratch.take<float>(tile * extent.padded);
      bytes = scratch.used;
    }
  };

  Layout(Scratch &scratch, int thread_count, const sartor_attention &op)
      : extent(op.head_dim),
        key_blocks(ceil_div(op.key_length, tile)),
        query_blocks(ceil_div(op.query_length, tile)),
        groups(op.batch * op.kv_heads),
        group_heads(op.heads / op.kv_heads) {
    int64_t head = key_blocks * (extent.transposed_form() + extent.stacked_form());
    int64_t per_thread = head > 0 ? wave_bytes / (head * 4) : 1;
    wave = minimum(groups, thread_count * maximum<int64_t>(per_thread, 1));
    k = scratch.take<unit>(wave * key_blocks * extent.transposed_form());
    v = scratch.take<unit>(wave * key_blocks * extent.stacked_form());
    ThreadPart(Scratch{nullptr}, extent, thread_bytes);
    threads = scratch.take<char>(thread_bytes * thread_count);
  }
  ThreadPart part(int thread) const {
    int64_t bytes;
    return ThreadPart(Scratch{threads + thread * thread_bytes}, extent, bytes);
  }
};

/* Rows of one block of queries, as the blocks of keys go by. */
struct Online {
  float maximum[tile], total[tile];
};

/* scores -> probabilities for the columns [from, to) of the block; rescales the sums of rows
 * whose maximum grew. */
template <class Units>
SARTOR_INLINE void softmax_block(const sartor_attention &op, const QueryBlock &queries, int64_t key, int from, int to,
                                 const Extent<Units> &extent, float *scores, typename Units::unit *probabilities,
                                 float *sums, Online &online) {
  const vf scale = splat(op.scale), negative = splat(-__builtin_inff());
  const vf cap = splat(op.softcap), inverse_cap = splat(op.softcap > 0 ? 1.0f / op.softcap : 0.0f);
  for (int r = 0; r < queries.rows; r++) {
    float *row = scores + r * tile;
    int first, last;
    queries.columns_of(r, key, first, last);
    bool masked = first > from || last < to;
    vf largest = negative;
    for (int c = from; c < to; c += lanes) {
      vf s = load(row + c) * scale;
      if (op.softcap > 0) s = cap * tanh(s * inverse_cap);
      if (masked) s = select(inside(c, first, last), s, negative);
      store(row + c, s);
      largest = max(largest, s);
    }
    float block_maximum = maximum(largest);
    if (block_maximum > online.maximum[r]) {
      float factor = exp_nonpositive(splat(online.maximum[r] - block_maximum))[0];
      online.maximum[r] = block_maximum;
      online.total[r] *= factor;
      float *sum_row = sums + r * extent.padded;
      for (int64_t i = 0; i < extent.padded; i += lanes) store(sum_row + i, load(sum_row + i) * splat(factor));
    }
    /* A row that saw nothing yet has maximum -inf; 0 in its place keeps -inf - maximum defined. */
    vf reference = splat(online.maximum[r] == -__builtin_inff() ? 0.0f : online.maximum[r]);
    vf total{};
    for (int c = from; c < to; c += lanes) {
      vf p = exp_nonpositive(load(row + c) - reference);
      total += p;
      if constexpr (Units::pair == 1)
        store((float *)probabilities + r * tile + c, p);
      else
        store((bfloat16 *)probabilities + r * tile + c, p);
    }
    online.total[r] += sum(total);
  }
}

template <class T>
int32_t run(Context &context, const sartor_attention &op) {
  using Units = typename UnitsOf<T>::type;
  using unit = typename Units::unit;
  Scratch scratch{context.scratch};
  Layout<Units> layout(scratch, context.threads, op);
  const Extent<Units> &extent = layout.extent;
  const int64_t k_size = extent.transposed_form(), v_size = extent.stacked_form();
  const T *q_all = (const T *)op.q, *k_all = (const T *)op.k, *v_all = (const T *)op.v;
  for (int64_t wave = 0; wave < layout.groups; wave += layout.wave) {
    int64_t groups = minimum(layout.wave, layout.groups - wave);
    context.parallel(groups * layout.key_blocks, [&](int64_t first, int64_t last, int thread) {
      unit *rows = layout.part(thread).q;
      for (int64_t task = first; task < last; task++) {
        int64_t group = wave + task / layout.key_blocks, key = task % layout.key_blocks * tile;
        int64_t b = group / op.kv_heads, h = group % op.kv_heads;
        int64_t count = minimum<int64_t>(tile, op.key_length - key), token = b * op.key_length + key;
        to_rows_form(extent, rows, k_all + token * op.k_stride + h * op.head_dim, op.k_stride, count);
        to_transposed_form(extent, layout.k + task * k_size, rows);
        to_stacked_form(extent, layout.v + task * v_size, v_all + token * op.v_stride + h * op.head_dim, op.v_stride,
                        count);
      }
    });
    int64_t heads = groups * layout.group_heads;
    context.parallel(heads * layout.query_blocks, [&](int64_t first, int64_t last, int thread) {
      auto part = layout.part(thread);
      for (int64_t task = first; task < last; task++) {
        int64_t head = task / layout.query_blocks, turn = task % layout.query_blocks;
        /* Long and short blocks of a causal mask alternate, so that threads get equal shares. */
        int64_t query = (turn % 2 ? layout.query_blocks - 1 - turn / 2 : turn / 2) * tile;
        int64_t group = head / layout.group_heads;
        int64_t b = (wave + group) / op.kv_heads;
        int64_t h = (wave + group) % op.kv_heads * layout.group_heads + head % layout.group_heads;
        int rows = (int)minimum<int64_t>(tile, op.query_length - query);
        QueryBlock queries(op.key_begin, op.key_end, b * op.query_length + query, rows, op.window);
        to_rows_form(extent, part.q, q_all + (b * op.query_length + query) * op.q_stride + h * op.head_dim,
                     op.q_stride, rows);
        Online online;
        for (int r = 0; r < rows; r++) online.maximum[r] = -__builtin_inff(), online.total[r] = 0;
        memset(part.sums, 0, sizeof(float) * (size_t)(rows * extent.padded));
        for (int64_t block = queries.first_key / tile; block * tile < queries.last_key; block++) {
          int from, to;
          if (!queries.columns(block * tile, from, to)) continue;
          const unit *k = layout.k + (group * layout.key_blocks + block) * k_size;
          const unit *v = layout.v + (group * layout.key_blocks + block) * v_size;
          multiply<Units>(rows, to - from, extent.depth, {part.q, extent.row_units, 1}, k + from, tile,
                          part.scores + from, tile, false);
          softmax_block<Units>(op, queries, block * tile, from, to, extent, part.scores, part.probabilities, part.sums,
                               online);
          multiply<Units>(rows, extent.padded, (to - from) / Units::pair,
                          {part.probabilities + from / Units::pair, tile / Units::pair, 1},
                          v + from / Units::pair * extent.padded, extent.padded, part.sums, extent.padded, true);
        }
        for (int r = 0; r < rows; r++) {
          int64_t token = b * op.query_length + query + r;
          T *o = (T *)op.o + (token * op.heads + h) * op.head_dim;
          vf inverse = splat(online.total[r] > 0 ? 1.0f / online.total[r] : 0.0f);
          /* NaN totals must stay visible: they are not > 0, yet not an empty range either. */
          if (online.total[r] != online.total[r]) inverse = splat(online.total[r]);
          each_vector(op.head_dim, [&](int64_t i, auto n) {
            store(o + i, load(part.sums + r * extent.padded + i, n) * inverse, n);
          });
          op.log_sum_exp[(b * op.heads + h) * op.query_length + query + r] =
              online.maximum[r] + ::logf(online.total[r]); /* -inf where nothing was seen */
        }
      }
    });
  }
  return SARTOR_OK;
}

} // namespace

int64_t attention_scratch(int threads, const sartor_attention &op) {
  if (op.kv_heads <= 0 || op.heads <= 0 || op.head_dim <= 0) return 0; /* refused when run */
  if (use_decode(op)) return attention_decode_scratch(threads, op);
  Scratch scratch{nullptr};
  if (op.dtype == SARTOR_BFLOAT16)
    Layout<UnitsOf<bfloat16>::type>(scratch, threads, op);
  else
    Layout<FloatUnits>(scratch, threads, op);
  return scratch.used;
}

int32_t attention(Context &context, const sartor_attention &op) {
  int32_t status = check_attention(context, "attention", op);
  if (status != SARTOR_OK || op.batch == 0 || op.query_length == 0) return status;
  return for_activation_dtype(context, "attention", op.dtype, [&](auto type) {
    using T = decltype(type);
    return use_decode(op) ? attention_decode<T>(context, op) : run<T>(context, op);
  });
}

} // namespace sartor::SARTOR_ISA
