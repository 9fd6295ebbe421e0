/* Softmax attention, forward: blocks of queries against blocks of keys with online softmax
 * (Dao et al. 2022). Scores are made transposed, [key][query], so that the softmax runs down
 * the lanes. Few queries against a long cache go to attention_decode.h. */
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
  unit *k, *v;           /* [wave][key block]: rows form of k, stacked form of v */
  char *threads;         /* [thread]: ThreadPart */
  int64_t thread_bytes;

  struct ThreadPart {
    unit *q_rows, *q;       /* rows and transposed form */
    float *scores;          /* [key][query] */
    unit *probabilities;    /* [key / pair][query] */
    float *sums;            /* [query][padded] */
    ThreadPart(Scratch scratch, const Extent<Units> &extent, int64_t &bytes) {
      q_rows = scratch.take<unit>(extent.rows_form());
      q = scratch.take<unit>(extent.transposed_form());
      scores = scratch.take<float>(tile * tile);
      probabilities = scratch.take<unit>(tile * tile / Units::pair);
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
    int64_t head = key_blocks * (extent.rows_form() + extent.stacked_form());
    int64_t per_thread = head > 0 ? wave_bytes / (head * 4) : 1;
    wave = minimum(groups, thread_count * maximum<int64_t>(per_thread, 1));
    k = scratch.take<unit>(wave * key_blocks * extent.rows_form());
    v = scratch.take<unit>(wave * key_blocks * extent.stacked_form());
    ThreadPart(Scratch{nullptr}, extent, thread_bytes);
    threads = scratch.take<char>(thread_bytes * thread_count);
  }
  ThreadPart part(int thread) const {
    int64_t bytes;
    return ThreadPart(Scratch{threads + thread * thread_bytes}, extent, bytes);
  }
};

/* Softmax of a block of queries, as the blocks of keys go by. Exponents are base 2. */
template <class Units>
struct Online {
  const sartor_attention &op;
  const QueryBlock &queries;
  const Extent<Units> &extent;
  const typename Layout<Units>::ThreadPart &part;
  /* What exponents are relative to: a score not far below the largest so far, -inf before the
   * first. It follows the largest only where that runs ahead by `ahead`, so that the sums are
   * rarely rescaled; probabilities stay below 2^ahead. */
  static constexpr float ahead = 8;
  float reference[tile], total[tile];
  bool started = false; /* sums hold something */

  Online(const sartor_attention &op, const QueryBlock &queries, const Extent<Units> &extent,
         const typename Layout<Units>::ThreadPart &part)
      : op(op), queries(queries), extent(extent), part(part) {
    for (int q = 0; q < tile; q++) reference[q] = -__builtin_inff(), total[q] = 0;
  }

  /* Scores of the keys [key + from, key + to) -> probabilities, still to be divided by the total. */
  void block(int64_t key, int from, int to) {
    bool masked = !queries.sees_all(key + from, key + to);
    /* A scale below zero would turn largest into smallest: such scores are scaled first. */
    bool scaled = op.softcap > 0 || !(op.scale >= 0);
    for (int c = 0; c < queries.columns(); c += lanes) {
      if (masked || scaled) prepare(key, from, to, c, masked, scaled);
      exponentials(from, to, c, splat(scaled ? 1.0f : op.scale * log2_e));
    }
  }

  /* Scores -> base-2 exponents where `scaled`; keys out of sight become -inf. */
  void prepare(int64_t key, int from, int to, int c, bool masked, bool scaled) {
    const vf cap = splat(op.softcap * log2_e), inner = splat(op.softcap > 0 ? op.scale / op.softcap : 0.0f);
    for (int k = from; k < to; k++) {
      float *at = part.scores + k * tile + c;
      vf s = load(at);
      if (scaled) s = op.softcap > 0 ? cap * tanh(s * inner) : s * splat(op.scale * log2_e);
      if (masked) s = select(queries.sees(c, key + k), s, splat(-__builtin_inff()));
      store(at, s);
    }
  }

  inline __attribute__((always_inline)) void exponentials(int from, int to, int c, vf scale) {
    const float *scores = part.scores + c;
    vf even = splat(-__builtin_inff()), odd = even;
    for (int k = from; k < to; k += 2) {
      even = max(even, load(scores + k * tile));
      odd = max(odd, load(scores + (k + 1) * tile));
    }
    vf largest = max(even, odd) * scale, base = load(reference + c);
    vi behind = largest > base + splat(ahead);
    if (any(behind)) {
      vf moved = max(base, largest);
      vf factor = exp2(select(moved == base, vf{}, base - moved)); /* -inf - -inf is not a number */
      store(reference + c, moved);
      base = moved;
      store(total + c, load(total + c) * factor);
      if (started) rescale(c, factor);
    }
    /* A query that saw nothing yet has -inf; 0 in its place keeps -inf - reference defined. */
    base = select(base == splat(-__builtin_inff()), vf{}, base);
    vf even_total{}, odd_total{};
    for (int k = from; k < to; k += 2) {
      vf p = exp2(fma(load(scores + k * tile), scale, -base));
      vf next = exp2(fma(load(scores + (k + 1) * tile), scale, -base));
      even_total += p, odd_total += next;
      store_two(part.probabilities, (typename Units::unit *)nullptr, k, c, p, next);
    }
    store(total + c, load(total + c) + (even_total + odd_total));
  }

  void rescale(int c, vf factors) {
    float factor[lanes];
    store(factor, factors);
    for (int q = 0; q < lanes && c + q < queries.rows; q++) {
      float *row = part.sums + (c + q) * extent.padded;
      for (int64_t i = 0; i < extent.padded; i += lanes) store(row + i, load(row + i) * splat(factor[q]));
    }
  }
};

template <class T>
struct Forward {
  using Units = typename UnitsOf<T>::type;
  using unit = typename Units::unit;
  using Part = typename Layout<Units>::ThreadPart;
  const sartor_attention &op;
  const Layout<Units> &layout;
  int64_t wave; /* first group of the wave */
  const Extent<Units> &extent = layout.extent;
  const int64_t k_size = extent.rows_form(), v_size = extent.stacked_form();

  void pack_keys(int64_t task) const {
    int64_t group = wave + task / layout.key_blocks, key = task % layout.key_blocks * tile;
    int64_t b = group / op.kv_heads, h = group % op.kv_heads;
    int64_t count = minimum<int64_t>(tile, op.key_length - key), token = b * op.key_length + key;
    to_rows_form(extent, layout.k + task * k_size, (const T *)op.k + token * op.k_stride + h * op.head_dim, op.k_stride,
                 count);
    to_stacked_form(extent, layout.v + task * v_size, (const T *)op.v + token * op.v_stride + h * op.head_dim,
                    op.v_stride, count);
  }

  /* One block of queries of one head. */
  void attend(int64_t head, int64_t query_block, const Part &part) const {
    int64_t query = query_block * tile, group = head / layout.group_heads, b = (wave + group) / op.kv_heads;
    int64_t h = (wave + group) % op.kv_heads * layout.group_heads + head % layout.group_heads;
    int rows = (int)minimum<int64_t>(tile, op.query_length - query);
    QueryBlock queries(op.key_begin, op.key_end, b * op.query_length + query, rows, op.window);
    to_rows_form(extent, part.q_rows, (const T *)op.q + (b * op.query_length + query) * op.q_stride + h * op.head_dim,
                 op.q_stride, rows);
    to_transposed_form(extent, part.q, part.q_rows);
    Online<Units> online(op, queries, extent, part);
    for (int64_t block = queries.first_key / tile; block * tile < queries.last_key; block++) {
      int from, to;
      if (!queries.keys(block * tile, from, to)) continue;
      const unit *k = layout.k + (group * layout.key_blocks + block) * k_size;
      const unit *v = layout.v + (group * layout.key_blocks + block) * v_size;
      multiply<Units>(to - from, queries.columns(), extent.depth, {k + from * extent.row_units, extent.row_units, 1},
                      part.q, tile, part.scores + from * tile, tile, false);
      online.block(block * tile, from, to);
      multiply<Units>(rows, extent.padded, (to - from) / Units::pair,
                      {part.probabilities + from / Units::pair * tile, 1, tile},
                      v + from / Units::pair * extent.padded, extent.padded, part.sums, extent.padded, online.started);
      online.started = true;
    }
    if (!online.started) memset(part.sums, 0, sizeof(float) * (size_t)(rows * extent.padded));
    for (int r = 0; r < rows; r++) {
      int64_t token = b * op.query_length + query + r;
      T *o = (T *)op.o + (token * op.heads + h) * op.head_dim;
      vf inverse = splat(online.total[r] > 0 ? 1.0f / online.total[r] : 0.0f);
      /* NaN totals must stay visible: they are not > 0, yet not an empty range either. */
      if (online.total[r] != online.total[r]) inverse = splat(online.total[r]);
      each_vector(op.head_dim,
                  [&](int64_t i, auto n) { store(o + i, load(part.sums + r * extent.padded + i, n) * inverse, n); });
      op.log_sum_exp[(b * op.heads + h) * op.query_length + query + r] =
          online.reference[r] * ln_2 + ::logf(online.total[r]); /* -inf where nothing was seen */
    }
  }
};

template <class T>
int32_t run(Context &context, const sartor_attention &op) {
  using Units = typename UnitsOf<T>::type;
  Scratch scratch{context.scratch};
  Layout<Units> layout(scratch, context.threads, op);
  for (int64_t wave = 0; wave < layout.groups; wave += layout.wave) {
    Forward<T> forward{op, layout, wave};
    int64_t groups = minimum(layout.wave, layout.groups - wave);
    context.parallel(groups * layout.key_blocks, [&](int64_t first, int64_t last, int) {
      for (int64_t task = first; task < last; task++) forward.pack_keys(task);
    });
    /* The last queries first: under a causal mask they see the most keys. */
    take_turns(context, groups * layout.group_heads * layout.query_blocks, [&](int64_t task, int thread) {
      forward.attend(task / layout.query_blocks, layout.query_blocks - 1 - task % layout.query_blocks,
                     layout.part(thread));
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
