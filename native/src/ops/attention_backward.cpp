/* Softmax attention, backward: probabilities are made again from log_sum_exp (Dao 2023,
 * algorithm 2). A task is one head and one span of keys; its dk and dv are its own, and its
 * share of dq is added to the other spans' afterwards, in order. Scores and their gradients are
 * made transposed, [key][query], so that what belongs to a query runs along the lanes. */
#include "attention_tile.h"

namespace sartor::SARTOR_ISA {

namespace {

/* Bytes of packed operands and sums per thread that one wave of heads may take, unless a single
 * head needs more. */
constexpr int64_t wave_bytes = 2 << 20;

/* Key blocks that take turns on a block of queries while that is in the cache. */
constexpr int64_t key_turn = 4;

template <class Units>
struct Layout {
  using unit = typename Units::unit;
  static constexpr bool same_forms = Units::pair == 1; /* rows and stacked form are one memory */
  Extent<Units> extent;
  int64_t key_blocks, query_blocks, heads, wave, span_blocks, spans;
  int group_heads;
  QueryBlock *queries; /* [batch][query block] */
  /* of the wave, per group and key block */
  unit *k_rows, *v_rows, *k_stacked;
  /* of the wave, per head and query block */
  unit *q_transposed, *q_stacked, *d_o_transposed, *d_o_stacked;
  float *log_sum_exp; /* [tile]: base 2 */
  float *delta;       /* [tile]: row sums of d_o * o */
  /* sums before they are scaled and rounded */
  float *dq;                   /* [head of the wave][span][query block][tile][padded] */
  float *dk, *dv;              /* [head of the wave][key block][tile][padded] */
  /* [2][key block][tile][padded]: of the group that waves cut. One half is read and the other written,
   * in turns, for a wave may end one such group and begin another at the same time. */
  float *dk_before, *dv_before;
  char *threads;
  int64_t thread_bytes;

  struct ThreadPart {
    float *scores, *d_scores; /* [key][query] */
    unit *probabilities;      /* [key][query], pairs of queries side by side */
    unit *slopes;             /* [key][query], pairs of queries side by side */
    unit *slopes_stacked;     /* [key / pair][query], pairs of keys side by side */
    unit *rows;               /* a rows form */
    ThreadPart(Scratch scratch, const Extent<Units> &extent, int64_t &bytes) {
      scores = scratch.take<float>(tile * tile);
      d_scores = scratch.take<float>(tile * tile);
      probabilities = scratch.take<unit>(tile * tile / Units::pair);
      slopes = scratch.take<unit>(tile * tile / Units::pair);
      slopes_stacked = same_forms ? slopes : scratch.take<unit>(tile * tile / Units::pair);
      rows = scratch.take<unit>(extent.rows_form());
      bytes = scratch.used;
    }
  };

  Layout(Scratch &scratch, int thread_count, const sartor_attention_backward &op)
      : extent(op.head_dim),
        key_blocks(ceil_div(op.key_length, tile)),
        query_blocks(ceil_div(op.query_length, tile)),
        heads(op.batch * op.heads),
        /* At most four spans, none under 1024 keys: a split that does not depend on threads. */
        span_blocks(maximum<int64_t>(ceil_div(key_blocks, 4), 1024 / tile)),
        spans(maximum<int64_t>(ceil_div(key_blocks, span_blocks), 1)),
        group_heads(op.heads / op.kv_heads) {
    int64_t block = tile * extent.padded * 4;
    int64_t head = ((4 + spans) * query_blocks + (2 + ceil_div(3, group_heads)) * key_blocks) * block;
    wave = minimum(heads, thread_count * maximum<int64_t>(head > 0 ? wave_bytes / head : 1, 1));
    int64_t groups = minimum<int64_t>((wave + group_heads - 2) / group_heads + 1, op.batch * op.kv_heads);
    int64_t keys = groups * key_blocks, blocks = wave * query_blocks, sums = tile * extent.padded;
    queries = scratch.take<QueryBlock>(op.batch * query_blocks);
    k_rows = scratch.take<unit>(keys * extent.rows_form());
    v_rows = scratch.take<unit>(keys * extent.rows_form());
    k_stacked = same_forms ? k_rows : scratch.take<unit>(keys * extent.stacked_form());
    q_transposed = scratch.take<unit>(blocks * extent.transposed_form());
    d_o_transposed = scratch.take<unit>(blocks * extent.transposed_form());
    q_stacked = scratch.take<unit>(blocks * extent.stacked_form());
    d_o_stacked = scratch.take<unit>(blocks * extent.stacked_form());
    log_sum_exp = scratch.take<float>(blocks * tile);
    delta = scratch.take<float>(blocks * tile);
    dq = scratch.take<float>(blocks * spans * sums);
    dk = scratch.take<float>(wave * key_blocks * sums);
    dv = scratch.take<float>(wave * key_blocks * sums);
    int64_t cut = group_heads > 1 ? 2 * key_blocks * sums : 0;
    dk_before = scratch.take<float>(cut);
    dv_before = scratch.take<float>(cut);
    ThreadPart(Scratch{nullptr}, extent, thread_bytes);
    threads = scratch.take<char>(thread_bytes * thread_count);
  }
  ThreadPart part(int thread) const {
    int64_t bytes;
    return ThreadPart(Scratch{threads + thread * thread_bytes}, extent, bytes);
  }
};

/* scores = q k^T and d_scores = d_o v^T of the keys [key + from, key + to) -> probabilities and
 * gradients of q k^T. */
template <class Units>
static void gradients(const sartor_attention_backward &op, const QueryBlock &queries, int64_t key, int from, int to,
                      const float *log_sum_exp, const float *delta, const typename Layout<Units>::ThreadPart &part) {
  using unit = typename Units::unit;
  const vf scale = splat(op.scale * log2_e);
  const vf cap = splat(op.softcap * log2_e), inner = splat(op.softcap > 0 ? op.scale / op.softcap : 0.0f);
  auto rows = [&](auto is_masked, auto is_capped) __attribute__((always_inline)) {
    constexpr bool masked = decltype(is_masked)::value, capped = decltype(is_capped)::value;
    auto cell = [&](int k, int c, vf &p, vf &d) __attribute__((always_inline)) {
      vf s = load(part.scores + k * tile + c), sum = load(log_sum_exp + c), steepness;
      if constexpr (capped) {
        vf t = tanh(s * inner);
        p = exp2(fma(cap, t, -sum));
        steepness = splat(1.0f) - t * t;
      } else {
        p = exp2(fma(s, scale, -sum));
      }
      d = p * (load(part.d_scores + k * tile + c) - load(delta + c));
      if constexpr (capped) d *= steepness;
      if constexpr (masked) {
        vi seen = queries.sees(c, key + k);
        p = select(seen, p, vf{});
        d = select(seen, d, vf{});
      }
    };
    for (int k = from; k < to; k += 2)
      for (int c = 0; c < queries.columns(); c += lanes) {
        vf p, next_p, d, next_d;
        cell(k, c, p, d);
        cell(k + 1, c, next_p, next_d);
        store_two((unit *)nullptr, part.probabilities, k, c, p, next_p);
        store_two(part.slopes_stacked, part.slopes, k, c, d, next_d);
      }
  };
  bool masked = !queries.sees_all(key + from, key + to);
  using yes = std::true_type;
  using no = std::false_type;
  if (op.softcap > 0) return masked ? rows(yes{}, yes{}) : rows(no{}, yes{});
  return masked ? rows(yes{}, no{}) : rows(no{}, no{});
}

template <class T>
struct Backward {
  using Units = typename UnitsOf<T>::type;
  using unit = typename Units::unit;
  using Part = typename Layout<Units>::ThreadPart;
  const sartor_attention_backward &op;
  const Layout<Units> &layout;
  int64_t first, last; /* heads of the wave, counted over the batch */
  const Extent<Units> &extent = layout.extent;
  const int64_t block_size = tile * extent.padded;

  int64_t first_group() const { return first / layout.group_heads; }
  int64_t groups() const { return (last - 1) / layout.group_heads + 1 - first_group(); }

  void pack_keys(int64_t group, int64_t block) const {
    int64_t at = (group - first_group()) * layout.key_blocks + block;
    int64_t key = block * tile, count = minimum<int64_t>(tile, op.key_length - key);
    int64_t token = group / op.kv_heads * op.key_length + key, column = group % op.kv_heads * op.head_dim;
    const T *k = (const T *)op.k + token * op.k_stride + column;
    const T *v = (const T *)op.v + token * op.v_stride + column;
    to_rows_form(extent, layout.k_rows + at * extent.rows_form(), k, op.k_stride, count);
    to_rows_form(extent, layout.v_rows + at * extent.rows_form(), v, op.v_stride, count);
    if (!layout.same_forms)
      to_stacked_form(extent, layout.k_stacked + at * extent.stacked_form(), k, op.k_stride, count);
  }

  void pack_queries(int64_t head, int64_t block, const Part &part) const {
    int64_t b = head / op.heads, h = head % op.heads, at = (head - first) * layout.query_blocks + block;
    int64_t query = block * tile, count = minimum<int64_t>(tile, op.query_length - query);
    int64_t token = b * op.query_length + query, o_stride = (int64_t)op.heads * op.head_dim;
    const T *q = (const T *)op.q + token * op.q_stride + h * op.head_dim;
    const T *d_o = (const T *)op.d_o + token * o_stride + h * op.head_dim;
    const T *o = (const T *)op.o + token * o_stride + h * op.head_dim;
    pack(layout.q_transposed, layout.q_stacked, at, q, op.q_stride, count, part);
    pack(layout.d_o_transposed, layout.d_o_stacked, at, d_o, o_stride, count, part);
    const float *log_sum_exp = op.log_sum_exp + (b * op.heads + h) * op.query_length + query;
    /* Lanes past the last query have probability 1 of a gradient that is 0. */
    for (int64_t r = 0; r < tile; r++) {
      layout.log_sum_exp[at * tile + r] = r < count ? log_sum_exp[r] * log2_e : 0;
      layout.delta[at * tile + r] = r < count ? sum_over(op.head_dim, [&](int64_t i, auto n) {
        return load(d_o + r * o_stride + i, n) * load(o + r * o_stride + i, n);
      }) : 0;
    }
  }

  void pack(unit *transposed, unit *stacked, int64_t at, const T *source, int64_t stride, int64_t count,
            const Part &part) const {
    to_stacked_form(extent, stacked + at * extent.stacked_form(), source, stride, count);
    to_rows_form(extent, part.rows, source, stride, count);
    to_transposed_form(extent, transposed + at * extent.transposed_form(), part.rows);
  }

  /* One head against one span of keys. */
  void accumulate(int64_t head, int64_t span, const Part &part) const {
    int64_t at = head - first;
    float *dq = layout.dq + (at * layout.spans + span) * layout.query_blocks * block_size;
    memset(dq, 0, sizeof(float) * (size_t)(layout.query_blocks * block_size));
    int64_t first_block = span * layout.span_blocks, last_block = minimum(layout.key_blocks, first_block + layout.span_blocks);
    size_t bytes = sizeof(float) * (size_t)(block_size * maximum<int64_t>(last_block - first_block, 0));
    memset(layout.dk + (at * layout.key_blocks + first_block) * block_size, 0, bytes);
    memset(layout.dv + (at * layout.key_blocks + first_block) * block_size, 0, bytes);
    const QueryBlock *queries = layout.queries + head / op.heads * layout.query_blocks;
    for (int64_t turn = first_block; turn < last_block; turn += key_turn)
      for (int64_t query_block = 0; query_block < layout.query_blocks; query_block++)
        for (int64_t key_block = turn; key_block < minimum(turn + key_turn, last_block); key_block++)
          accumulate_block(head, key_block, query_block, queries[query_block], dq + query_block * block_size, part);
  }

  void accumulate_block(int64_t head, int64_t key_block, int64_t query_block, const QueryBlock &queries, float *dq,
                        const Part &part) const {
    int from, to, columns = queries.columns();
    if (!queries.keys(key_block * tile, from, to)) return;
    int64_t key_at = (head / layout.group_heads - first_group()) * layout.key_blocks + key_block;
    int64_t query_at = (head - first) * layout.query_blocks + query_block;
    int64_t sums_at = ((head - first) * layout.key_blocks + key_block) * block_size + from * extent.padded;
    int64_t query_pairs = columns / Units::pair, from_pair = from / Units::pair, row = tile / Units::pair;
    auto scores = [&](const unit *keys, const unit *transposed, float *target) {
      multiply<Units>(to - from, columns, extent.depth,
                      {keys + key_at * extent.rows_form() + from * extent.row_units, extent.row_units, 1},
                      transposed + query_at * extent.transposed_form(), tile, target + from * tile, tile, false);
    };
    scores(layout.k_rows, layout.q_transposed, part.scores);
    scores(layout.v_rows, layout.d_o_transposed, part.d_scores);
    gradients<Units>(op, queries, key_block * tile, from, to, layout.log_sum_exp + query_at * tile,
                     layout.delta + query_at * tile, part);
    auto key_sums = [&](const unit *left, const unit *stacked, float *target) {
      multiply<Units>(to - from, extent.padded, query_pairs, {left + from * row, row, 1},
                      stacked + query_at * extent.stacked_form(), extent.padded, target + sums_at, extent.padded, true);
    };
    key_sums(part.probabilities, layout.d_o_stacked, layout.dv);
    key_sums(part.slopes, layout.q_stacked, layout.dk);
    multiply<Units>(queries.rows, extent.padded, (to - from) / Units::pair,
                    {part.slopes_stacked + from_pair * tile, 1, tile},
                    layout.k_stacked + key_at * extent.stacked_form() + from_pair * extent.padded, extent.padded, dq,
                    extent.padded, true);
  }

  /* target row r = scale * (before + sum of parts), in order; before may be null. */
  template <class Target>
  void write(Target *target, int64_t stride, int64_t width, int64_t rows, const float *before, const float *parts,
             int64_t count, int64_t part_stride, float scale) const {
    for (int64_t r = 0; r < rows; r++)
      each_vector(width, [&](int64_t i, auto n) {
        vf total = before ? load(before + r * extent.padded + i, n) : vf{};
        for (int64_t part = 0; part < count; part++) total += load(parts + part * part_stride + r * extent.padded + i, n);
        store(target + r * stride + i, total * splat(scale), n);
      });
  }

  void write_keys(int64_t group, int64_t block) const {
    int64_t key = block * tile, rows = minimum<int64_t>(tile, op.key_length - key);
    int64_t column = group % op.kv_heads * op.head_dim, token = group / op.kv_heads * op.key_length + key;
    int64_t head = group * layout.group_heads, next = head + layout.group_heads;
    int64_t from = maximum(head, first), count = minimum(next, last) - from, row = layout.key_blocks * block_size;
    int64_t parts = (from - first) * row + block * block_size, half = first / layout.wave % 2;
    auto sum = [&](const float *sums, float *before, void *target, int64_t stride, float scale) {
      before += block * block_size;
      const float *started = head < first ? before + (1 - half) * row : nullptr;
      if (next > last) /* the next wave goes on with this group */
        write(before + half * row, extent.padded, extent.padded, tile, started, sums + parts, count, row, 1.0f);
      else
        write((T *)target + token * stride + column, stride, op.head_dim, rows, started, sums + parts, count, row, scale);
    };
    sum(layout.dk, layout.dk_before, op.dk, op.dk_stride, op.scale);
    sum(layout.dv, layout.dv_before, op.dv, op.dv_stride, 1.0f);
  }

  void write_queries(int64_t head, int64_t block) const {
    int64_t query = block * tile, rows = minimum<int64_t>(tile, op.query_length - query);
    int64_t token = head / op.heads * op.query_length + query;
    write((T *)op.dq + token * op.dq_stride + head % op.heads * op.head_dim, op.dq_stride, op.head_dim, rows, nullptr,
          layout.dq + ((head - first) * layout.spans * layout.query_blocks + block) * block_size, layout.spans,
          layout.query_blocks * block_size, op.scale);
  }
};

template <class T>
int32_t run(Context &context, const sartor_attention_backward &op) {
  using Units = typename UnitsOf<T>::type;
  Scratch scratch{context.scratch};
  Layout<Units> layout(scratch, context.threads, op);
  context.parallel(op.batch * layout.query_blocks, [&](int64_t first, int64_t last, int) {
    for (int64_t task = first; task < last; task++) {
      int64_t query = task % layout.query_blocks * tile, token = task / layout.query_blocks * op.query_length + query;
      int rows = (int)minimum<int64_t>(tile, op.query_length - query);
      layout.queries[task] = QueryBlock(op.key_begin, op.key_end, token, rows, op.window);
    }
  });
  for (int64_t first = 0; first < layout.heads; first += layout.wave) {
    Backward<T> backward{op, layout, first, minimum(first + layout.wave, layout.heads)};
    int64_t heads = backward.last - first, key_tasks = backward.groups() * layout.key_blocks;
    int64_t tasks = key_tasks + heads * layout.query_blocks;
    context.parallel(tasks, [&](int64_t begin, int64_t end, int thread) {
      for (int64_t task = begin; task < end; task++) {
        int64_t rest = task - key_tasks;
        if (rest < 0)
          backward.pack_keys(backward.first_group() + task / layout.key_blocks, task % layout.key_blocks);
        else
          backward.pack_queries(first + rest / layout.query_blocks, rest % layout.query_blocks, layout.part(thread));
      }
    });
    /* The first keys first: under a causal mask the most queries see them. */
    take_turns(context, heads * layout.spans, [&](int64_t task, int thread) {
      backward.accumulate(first + task % heads, task / heads, layout.part(thread));
    });
    context.parallel(tasks, [&](int64_t begin, int64_t end, int) {
      for (int64_t task = begin; task < end; task++) {
        int64_t rest = task - key_tasks;
        if (rest < 0)
          backward.write_keys(backward.first_group() + task / layout.key_blocks, task % layout.key_blocks);
        else
          backward.write_queries(first + rest / layout.query_blocks, rest % layout.query_blocks);
      }
    });
  }
  return SARTOR_OK;
}

} // namespace

int64_t attention_backward_scratch(int threads, const sartor_attention_backward &op) {
  if (op.kv_heads <= 0 || op.heads < op.kv_heads || op.head_dim <= 0) return 0; /* refused when run */
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
