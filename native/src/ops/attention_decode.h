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
  float *sums;    /* [batch][query][span][head][padded] */
  float *maximum; /* [batch][query][span][head] */
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

/* Sums of the lanes of four vectors, side by side. */
SARTOR_INLINE void sum_four(vf a, vf b, vf c, vf d, float *sums) {
#if SARTOR_SIMD_AVX512 || SARTOR_SIMD_AVX2
#if SARTOR_SIMD_AVX512
  __m512 wide[4] = {(__m512)a, (__m512)b, (__m512)c, (__m512)d};
  __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(wide[0], wide[1]), _mm512_unpackhi_ps(wide[0], wide[1]));
  __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(wide[2], wide[3]), _mm512_unpackhi_ps(wide[2], wide[3]));
  __m512 all = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
  __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all),
                              _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(all), 1)));
#else
  __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps((__m256)a, (__m256)b), _mm256_unpackhi_ps((__m256)a, (__m256)b));
  __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps((__m256)c, (__m256)d), _mm256_unpackhi_ps((__m256)c, (__m256)d));
  __m256 half = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
#endif
  _mm_storeu_ps(sums, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
#else
  sums[0] = sum(a), sums[1] = sum(b), sums[2] = sum(c), sums[3] = sum(d);
#endif
}

/* Rows of one head lie a whole token apart: too far for the processor to see them coming. */
template <class T>
SARTOR_INLINE void prefetch_row(const T *row, int64_t head_dim) {
  for (int64_t byte = 0; byte < head_dim * (int64_t)sizeof(T); byte += 64) __builtin_prefetch((const char *)row + byte);
}
constexpr int64_t prefetch_distance = 16; /* rows */

/* Scores of the keys [0, count), for all heads of a group while four keys are in the cache. */
template <class T>
static void decode_scores(const float *q, int64_t q_row, int heads, const T *k, int64_t stride, int64_t count,
                          int64_t head_dim, float *scores) {
  for (int64_t j = 0; j < count; j += 4) {
    const T *key[4];
    for (int u = 0; u < 4; u++) {
      key[u] = k + minimum(j + u, count - 1) * stride; /* past the end: the last, unused */
      prefetch_row(k + minimum(j + u + prefetch_distance, count - 1) * stride, head_dim);
    }
    for (int h = 0; h < heads; h++) {
      vf total[4] = {};
      each_vector(head_dim, [&](int64_t i, auto n) {
        vf left = load(q + h * q_row + i, n);
        for (int u = 0; u < 4; u++) total[u] = fma(load(key[u] + i, n), left, total[u]);
      });
      sum_four(total[0], total[1], total[2], total[3], scores + h * decode_span + j);
    }
  }
}

/* Heads whose sums fit in registers together with four vectors of values. */
constexpr int decode_heads = block_vectors == 4 ? 4 : 2;

template <int H, int N, class T>
SARTOR_INLINE void decode_values_block(const float *weights, const T *v, int64_t stride, int64_t count, float *sums,
                                       int64_t sums_row, auto n) {
  vf total[H][N] = {};
  for (int64_t j = 0; j < count; j++) {
    vf value[N];
    prefetch_row(v + minimum(j + prefetch_distance, count - 1) * stride, N * lanes);
    for (int u = 0; u < N; u++) value[u] = load(v + j * stride + u * lanes, n);
    for (int h = 0; h < H; h++) {
      vf weight = splat(weights[h * decode_span + j]);
      for (int u = 0; u < N; u++) total[h][u] = fma(weight, value[u], total[h][u]);
    }
  }
  for (int h = 0; h < H; h++)
    for (int u = 0; u < N; u++) store(sums + h * sums_row + u * lanes, total[h][u], n);
}

/* sums[h][i] = sum_j weights[h][j] * v[j][i] for H heads. */
template <int H, class T>
static void decode_values(const float *weights, const T *v, int64_t stride, int64_t count, int64_t head_dim,
                          float *sums, int64_t sums_row) {
  int64_t i = 0;
  for (; i + 4 * lanes <= head_dim; i += 4 * lanes)
    decode_values_block<H, 4>(weights, v + i, stride, count, sums + i, sums_row, whole);
  each_vector(head_dim - i, [&](int64_t rest, auto n) {
    decode_values_block<H, 1>(weights, v + i + rest, stride, count, sums + i + rest, sums_row, n);
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
      /* Groups of heads innermost: what they read lies side by side. */
      int64_t kv = task % op.kv_heads, span = task / op.kv_heads % layout.spans;
      int64_t token = task / op.kv_heads / layout.spans, b = token / op.query_length, query = token % op.query_length;
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
      decode_scores(part.q, layout.padded, heads, k, op.k_stride, count, op.head_dim, part.scores);
      int64_t cell = task * heads;
      for (int h = 0; h < heads; h++)
        layout.total[cell + h] = decode_softmax(op, part.scores + h * decode_span, count, layout.maximum[cell + h]);
      int h = 0;
      float *sums = layout.sums + cell * layout.padded;
      for (; h + decode_heads <= heads; h += decode_heads)
        decode_values<decode_heads>(part.scores + h * decode_span, v, op.v_stride, count, op.head_dim,
                                    sums + h * layout.padded, layout.padded);
      for (; h < heads; h++)
        decode_values<1>(part.scores + h * decode_span, v, op.v_stride, count, op.head_dim, sums + h * layout.padded,
                         layout.padded);
    }
  });
  context.parallel(op.batch * op.query_length * op.heads, [&](int64_t first, int64_t last, int) {
    for (int64_t task = first; task < last; task++) {
      int64_t h = task % op.heads, token = task / op.heads, b = token / op.query_length, query = token % op.query_length;
      auto cell = [&](int64_t span) { return (token * layout.spans + span) * op.heads + h; };
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
