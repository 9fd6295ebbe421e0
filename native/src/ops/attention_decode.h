/* attention_decode.h: attention of a few queries over a long cache of keys and values. Each
 * key is read once, straight from the cache, for all the heads that share it; the keys are cut
 * into spans of fixed length, which threads work on side by side, and whose softmax sums are
 * then joined in order. */
#ifndef SARTOR_OPS_ATTENTION_DECODE_H
#define SARTOR_OPS_ATTENTION_DECODE_H

#include <math.h>

#include "attention_tile.h"

namespace sartor {
namespace SARTOR_ISA {

constexpr int64_t decode_span = 256;

static inline bool use_decode(const sartor_attention &op) { return op.query_length <= 4; }

/* Softmax sums over one span of keys for the heads of one group. */
struct DecodeLayout {
  int64_t spans, padded, groups;
  int group_heads;
  float *sums;    /* [group][query][span][head of the group][padded] */
  float *maximum; /* [group][query][span][head of the group] */
  float *total;
  char *threads;
  int64_t thread_bytes;

  struct ThreadPart {
    float *q;      /* [head of the group][padded], scaled */
    float *scores; /* [head of the group][decode_span] */
    ThreadPart(Scratch scratch, int group_heads, int64_t padded, int64_t &bytes) {
      q = scratch.take<float>(group_heads * padded);
      scores = scratch.take<float>(group_heads * decode_span);
      bytes = scratch.used;
    }
  };

  DecodeLayout(Scratch &scratch, int thread_count, const sartor_attention &op)
      : spans(ceil_div(op.key_length, decode_span)),
        padded(round_up(op.head_dim, lanes)),
        groups(op.batch * op.kv_heads),
        group_heads(op.heads / op.kv_heads) {
    int64_t cells = groups * op.query_length * spans * group_heads;
    sums = scratch.take<float>(cells * padded);
    maximum = scratch.take<float>(cells);
    total = scratch.take<float>(cells);
    ThreadPart(Scratch{nullptr}, group_heads, padded, thread_bytes);
    threads = scratch.take<char>(thread_bytes * thread_count);
  }
  ThreadPart part(int thread) const {
    int64_t bytes;
    return ThreadPart(Scratch{threads + thread * thread_bytes}, group_heads, padded, bytes);
  }
};

static inline int64_t attention_decode_scratch(int threads, const sartor_attention &op) {
  Scratch scratch{nullptr};
  DecodeLayout layout(scratch, threads, op);
  return scratch.used;
}

/* One head: scores of the keys [0, count) of a span, k pointing at the first. */
template <class T>
static void decode_scores(const float *q, const T *k, int64_t stride, int64_t count, int64_t head_dim, float *scores) {
  for (int64_t j = 0; j < count; j++)
    scores[j] = sum_over(head_dim, [&](int64_t i, auto n) { return load(k + j * stride + i, n) * load(q + i, n); });
}

/* sums[i] = sum_j weights[j] * v[j][i], vectors of a register each, all keys in one go. */
template <class T>
static void decode_values(const float *weights, const T *v, int64_t stride, int64_t count, int64_t head_dim,
                          float *sums) {
  int64_t i = 0;
  for (; i + 4 * lanes <= head_dim; i += 4 * lanes) {
    vf total[4] = {};
    for (int64_t j = 0; j < count; j++)
      for (int u = 0; u < 4; u++) total[u] = fma(splat(weights[j]), load(v + j * stride + i + u * lanes), total[u]);
    for (int u = 0; u < 4; u++) store(sums + i + u * lanes, total[u]);
  }
  each_vector(head_dim - i, [&](int64_t rest, auto n) {
    vf total{};
    for (int64_t j = 0; j < count; j++) total = fma(splat(weights[j]), load(v + j * stride + i + rest, n), total);
    store(sums + i + rest, total, n);
  });
}

/* Scores -> weights e^(score - maximum); returns their sum. */
static inline float decode_softmax(const sartor_attention &op, float *scores, int64_t count, float &largest) {
  vf top = splat(-__builtin_inff());
  each_vector(count, [&](int64_t j, auto n) {
    vf s = load(scores + j, n);
    if (op.softcap > 0) s = splat(op.softcap) * tanh(s * splat(1.0f / op.softcap));
    store(scores + j, s, n);
    top = max(top, keep(s, n, -__builtin_inff()));
  });
  largest = maximum(top);
  vf reference = splat(largest);
  return sum_over(count, [&](int64_t j, auto n) {
    vf p = keep(exp_nonpositive(load(scores + j, n) - reference), n, 0.0f);
    store(scores + j, p, n);
    return p;
  });
}

template <class T>
static int32_t attention_decode(Context &context, const sartor_attention &op) {
  Scratch scratch{context.scratch};
  DecodeLayout layout(scratch, context.threads, op);
  const int heads = layout.group_heads;
  context.parallel(layout.groups * op.query_length * layout.spans, [&](int64_t first, int64_t last, int thread) {
    auto part = layout.part(thread);
    for (int64_t task = first; task < last; task++) {
      int64_t span = task % layout.spans, query = task / layout.spans % op.query_length;
      int64_t group = task / layout.spans / op.query_length;
      int64_t b = group / op.kv_heads, kv = group % op.kv_heads;
      KeyRange range = key_range(op.key_begin, op.key_end, b * op.query_length + query, op.window);
      int64_t begin = maximum<int64_t>(range.begin, span * decode_span);
      int64_t end = minimum<int64_t>(range.end, (span + 1) * decode_span), count = end - begin;
      if (count <= 0) {
        for (int h = 0; h < heads; h++) layout.total[task * heads + h] = 0;
        continue;
      }
      const T *q = (const T *)op.q + (b * op.query_length + query) * op.q_stride + kv * heads * op.head_dim;
      for (int h = 0; h < heads; h++)
        each_vector(op.head_dim, [&](int64_t i, auto n) {
          store(part.q + h * layout.padded + i, load(q + h * op.head_dim + i, n) * splat(op.scale), n);
        });
      const T *k = (const T *)op.k + (b * op.key_length + begin) * op.k_stride + kv * op.head_dim;
      const T *v = (const T *)op.v + (b * op.key_length + begin) * op.v_stride + kv * op.head_dim;
      for (int h = 0; h < heads; h++) {
        float *scores = part.scores + h * decode_span;
        int64_t cell = task * heads + h;
        decode_scores(part.q + h * layout.padded, k, op.k_stride, count, op.head_dim, scores);
        layout.total[cell] = decode_softmax(op, scores, count, layout.maximum[cell]);
        decode_values(scores, v, op.v_stride, count, op.head_dim, layout.sums + cell * layout.padded);
      }
    }
  });
  context.parallel(layout.groups * op.query_length * heads, [&](int64_t first, int64_t last, int) {
    for (int64_t task = first; task < last; task++) {
      int64_t within = task % heads, query = task / heads % op.query_length, group = task / heads / op.query_length;
      int64_t b = group / op.kv_heads, h = group % op.kv_heads * heads + within;
      auto cell = [&](int64_t span) {
        return ((group * op.query_length + query) * layout.spans + span) * heads + within;
      };
      float largest = -__builtin_inff(), total = 0;
      for (int64_t s = 0; s < layout.spans; s++)
        if (layout.total[cell(s)] != 0 && !(layout.maximum[cell(s)] <= largest)) largest = layout.maximum[cell(s)];
      T *o = (T *)op.o + ((b * op.query_length + query) * op.heads + h) * op.head_dim;
      for (int64_t s = 0; s < layout.spans; s++)
        if (layout.total[cell(s)] != 0) total += layout.total[cell(s)] * ::expf(layout.maximum[cell(s)] - largest);
      each_vector(op.head_dim, [&](int64_t i, auto n) {
        vf joined{};
        for (int64_t s = 0; s < layout.spans; s++) {
          if (layout.total[cell(s)] == 0) continue;
          float factor = ::expf(layout.maximum[cell(s)] - largest);
          joined = fma(load(layout.sums + cell(s) * layout.padded + i, n), splat(factor), joined);
        }
        store(o + i, total == 0 ? vf{} : joined / splat(total), n);
      });
      op.log_sum_exp[(b * op.heads + h) * op.query_length + query] =
          total == 0 ? -__builtin_inff() : largest + ::logf(total);
    }
  });
  return SARTOR_OK;
}

} // namespace SARTOR_ISA
} // namespace sartor

#endif
