/* attention_tile.h: small matrix products for attention, and the layouts of their operands.
 *
 * All products work on 32-bit units: one float, or two bfloat16 neighbours along the summed
 * dimension where the instruction set multiplies such pairs. A policy says which:
 *   pair           elements along the summed dimension per unit
 *   multiply_add   c + a * b, a broadcast unit times a vector of units
 *
 * For a block of up to `tile` rows of `width` elements (queries, keys, values, gradients):
 *   rows form        [row][row_units]            left operand, sums along the width
 *   stacked form     [row / pair][padded width]  right operand, sums along the rows
 *   transposed form  [width / pair][tile]        right operand, sums along the width
 */
#ifndef SARTOR_OPS_ATTENTION_TILE_H
#define SARTOR_OPS_ATTENTION_TILE_H

#include "common.h"

namespace sartor {
namespace SARTOR_ISA {

constexpr int tile = 64; /* queries and keys per block */
constexpr float log2_e = 1.44269504f, ln_2 = 0.693147181f;

#if SARTOR_SIMD_AVX512 || SARTOR_SIMD_NEON
constexpr int block_rows = 6, block_vectors = 4; /* of 32 registers, 24 hold sums */
#else
constexpr int block_rows = 6, block_vectors = 2; /* of 16 registers, 12 hold sums */
#endif

struct FloatUnits {
  using unit = float;
  static constexpr int pair = 1;
  SARTOR_INLINE vf multiply_add(float a, const float *b, vf c, int vector) {
    return fma(splat(a), load(b + vector * lanes), c);
  }
};

#if SARTOR_SIMD_AVX512 && defined(__AVX512BF16__)
struct PairUnits {
  using unit = uint32_t;
  static constexpr int pair = 2;
  SARTOR_INLINE vf multiply_add(uint32_t a, const uint32_t *b, vf c, int vector) {
    __m512i right = _mm512_loadu_si512(b + vector * lanes);
    return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)_mm512_set1_epi32((int)a), (__m512bh)right);
  }
};
template <class T>
struct UnitsOf {
  using type = FloatUnits;
};
template <>
struct UnitsOf<bfloat16> {
  using type = PairUnits;
};
#else
template <class T>
struct UnitsOf {
  using type = FloatUnits;
};
#endif

/* Rows r (even) and r + 1 of a product, a vector of each at column c, into the forms that are
 * not null:
 *   stacked  [row / pair][tile] units, pairs of rows side by side
 *   rows     [row][tile] elements
 * With single floats both are one memory, and one pointer is enough. */
SARTOR_INLINE void store_two(float *stacked, float *rows, int64_t r, int64_t c, vf first, vf second) {
  float *to = (stacked ? stacked : rows) + r * tile + c;
  store(to, first), store(to + tile, second);
}
#if SARTOR_SIMD_AVX512 && defined(__AVX512BF16__)
SARTOR_INLINE void store_two(uint32_t *stacked, uint32_t *rows, int64_t r, int64_t c, vf first, vf second) {
  typedef uint16_t halves __attribute__((vector_size(64)));
  const halves turns = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
  if (stacked) _mm512_storeu_si512(stacked + r / 2 * tile + c, _mm512_permutexvar_epi16((__m512i)turns, both));
  if (rows) {
    uint16_t *to = (uint16_t *)rows + r * tile + c;
    _mm256_storeu_si256((__m256i_u *)to, _mm512_castsi512_si256(both));
    _mm256_storeu_si256((__m256i_u *)(to + tile), _mm512_extracti64x4_epi64(both, 1));
  }
}
#endif

/* Left operand: element (m, p) in units at data[m * row + p * column]. */
template <class Unit>
struct Left {
  const Unit *data;
  int64_t row, column;
};

/* c[M rows, N vectors] (+)= a[M, depth] b[depth, N vectors] */
template <class Units, int M, int N>
static void multiply_block(int64_t depth, Left<typename Units::unit> a, const typename Units::unit *b, int64_t b_row,
                           float *c, int64_t c_row, bool add) {
  vf sums[M][N];
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) sums[m][n] = add ? load(c + m * c_row + n * lanes) : vf{};
  for (int64_t p = 0; p < depth; p++) {
    const typename Units::unit *left = a.data + p * a.column, *right = b + p * b_row;
#pragma GCC unroll 8
    for (int m = 0; m < M; m++)
#pragma GCC unroll 8
      for (int n = 0; n < N; n++) sums[m][n] = Units::multiply_add(left[m * a.row], right, sums[m][n], n);
  }
  for (int m = 0; m < M; m++)
    for (int n = 0; n < N; n++) store(c + m * c_row + n * lanes, sums[m][n]);
}

template <class Units, int N>
static void multiply_rows(int64_t rows, int64_t depth, Left<typename Units::unit> a, const typename Units::unit *b,
                          int64_t b_row, float *c, int64_t c_row, bool add) {
  int64_t m = 0;
  for (; m + block_rows <= rows; m += block_rows, a.data += block_rows * a.row, c += block_rows * c_row)
    multiply_block<Units, block_rows, N>(depth, a, b, b_row, c, c_row, add);
  switch (rows - m) {
    case 1: return multiply_block<Units, 1, N>(depth, a, b, b_row, c, c_row, add);
    case 2: return multiply_block<Units, 2, N>(depth, a, b, b_row, c, c_row, add);
    case 3: return multiply_block<Units, 3, N>(depth, a, b, b_row, c, c_row, add);
    case 4: return multiply_block<Units, 4, N>(depth, a, b, b_row, c, c_row, add);
    case 5: return multiply_block<Units, 5, N>(depth, a, b, b_row, c, c_row, add);
  }
}

/* c[rows, columns] (+)= a[rows, depth] b[depth, columns]; columns a multiple of `lanes`. */
template <class Units>
static void multiply(int64_t rows, int64_t columns, int64_t depth, Left<typename Units::unit> a,
                     const typename Units::unit *b, int64_t b_row, float *c, int64_t c_row, bool add) {
  int64_t n = columns / lanes;
  for (; n >= block_vectors; n -= block_vectors, b += block_vectors * lanes, c += block_vectors * lanes)
    multiply_rows<Units, block_vectors>(rows, depth, a, b, b_row, c, c_row, add);
  if constexpr (block_vectors > 2) {
    if (n == 3) return multiply_rows<Units, 3>(rows, depth, a, b, b_row, c, c_row, add);
    if (n == 2) return multiply_rows<Units, 2>(rows, depth, a, b, b_row, c, c_row, add);
  }
  if (n == 1) multiply_rows<Units, 1>(rows, depth, a, b, b_row, c, c_row, add);
}

/* Sizes of a block of rows `width` elements wide, in units. */
template <class Units>
struct Extent {
  int64_t width;      /* elements */
  int64_t padded;     /* width, to whole vectors: a row of the stacked form */
  int64_t depth;      /* units that hold the width: rows of the transposed form */
  int64_t row_units;  /* a row of the rows form */
  explicit Extent(int64_t width)
      : width(width),
        padded(round_up(width, lanes)),
        depth(ceil_div(width, Units::pair)),
        row_units(Units::pair == 1 ? padded : round_up(depth, lanes)) {}
  int64_t rows_form() const { return tile * row_units; }
  int64_t stacked_form() const { return tile / Units::pair * padded; }
  int64_t transposed_form() const { return depth * tile; }
};

/* ---- forms of a block: source [count rows of width elements], rows past count become zero -- */

template <class T>
static void to_rows_form(const Extent<FloatUnits> &extent, float *target, const T *source, int64_t stride,
                         int64_t count) {
  for (int64_t r = 0; r < tile; r++, target += extent.row_units, source += stride) {
    if (r >= count) {
      memset(target, 0, sizeof(float) * (size_t)extent.row_units);
      continue;
    }
    each_vector(extent.width, [&](int64_t i, auto n) { store(target + i, load(source + i, n)); });
  }
}

/* With single floats the rows and the stacked form are the same memory. */
template <class T>
static void to_stacked_form(const Extent<FloatUnits> &extent, float *target, const T *source, int64_t stride,
                            int64_t count) {
  to_rows_form(extent, target, source, stride, count);
}

#if SARTOR_SIMD_AVX512 && defined(__AVX512BF16__)
static void to_rows_form(const Extent<PairUnits> &extent, uint32_t *target, const bfloat16 *source, int64_t stride,
                         int64_t count) {
  for (int64_t r = 0; r < tile; r++, target += extent.row_units, source += stride) {
    if (r < count) memcpy(target, source, sizeof(bfloat16) * (size_t)extent.width);
    int64_t filled = r < count ? extent.width * 2 : 0;
    memset((char *)target + filled, 0, (size_t)(extent.row_units * 4 - filled));
  }
}

/* Raw bits of up to 16 bfloat16 in 32-bit lanes. */
SARTOR_INLINE vu load_bits(const bfloat16 *source, whole_t) { return (vu)load(source) >> 16; }
SARTOR_INLINE vu load_bits(const bfloat16 *source, int n) { return (vu)load(source, n) >> 16; }

static void to_stacked_form(const Extent<PairUnits> &extent, uint32_t *target, const bfloat16 *source, int64_t stride,
                            int64_t count) {
  for (int64_t r = 0; r < tile; r += 2, target += extent.padded, source += 2 * stride) {
    if (r >= count) {
      memset(target, 0, 4 * (size_t)extent.padded);
      continue;
    }
    bool both = r + 1 < count;
    each_vector(extent.width, [&](int64_t i, auto n) {
      vu low = load_bits(source + i, n), high = both ? load_bits(source + stride + i, n) : vu{};
      store((float *)target + i, (vf)(low | high << 16));
    });
  }
}
#endif

/* 32-bit units: rows form [tile][row_units] -> [depth][tile] */
template <class Units>
static void to_transposed_form(const Extent<Units> &extent, typename Units::unit *target,
                               const typename Units::unit *rows) {
  typedef uint32_t four __attribute__((vector_size(16)));
  typedef uint32_t four_any __attribute__((vector_size(16), aligned(4), may_alias));
  for (int64_t d = 0; d < extent.depth; d += 4) {
    int64_t wide = extent.depth - d;
    for (int64_t r = 0; r < tile; r += 4) {
      const typename Units::unit *from = rows + r * extent.row_units + d;
      four a = *(const four_any *)from, b = *(const four_any *)(from + extent.row_units);
      four c = *(const four_any *)(from + 2 * extent.row_units), e = *(const four_any *)(from + 3 * extent.row_units);
      four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      four ce_low = __builtin_shufflevector(c, e, 0, 4, 1, 5), ce_high = __builtin_shufflevector(c, e, 2, 6, 3, 7);
      typename Units::unit *to = target + d * tile + r;
      *(four_any *)to = __builtin_shufflevector(ab_low, ce_low, 0, 1, 4, 5);
      if (wide > 1) *(four_any *)(to + tile) = __builtin_shufflevector(ab_low, ce_low, 2, 3, 6, 7);
      if (wide > 2) *(four_any *)(to + 2 * tile) = __builtin_shufflevector(ab_high, ce_high, 0, 1, 4, 5);
      if (wide > 3) *(four_any *)(to + 3 * tile) = __builtin_shufflevector(ab_high, ce_high, 2, 3, 6, 7);
    }
  }
}

/* ---- which keys a block of queries sees ----------------------------------------------------- */

/* The keys [begin, end) of one query, empty as [0, 0). */
struct KeyRange {
  int32_t begin, end;
};

SARTOR_INLINE KeyRange key_range(const int32_t *key_begin, const int32_t *key_end, int64_t query, int32_t window) {
  int32_t begin = key_begin[query], end = key_end[query];
  if (window > 0 && end - window > begin) begin = end - window;
  if (begin >= end) return {0, 0};
  return {begin, end};
}

/* Checks shared by forward and backward. */
template <class Op>
static int32_t check_attention(Context &context, const char *name, const Op &op) {
  SARTOR_REQUIRE(op.batch >= 0 && op.query_length >= 0 && op.key_length >= 0 && op.key_length <= INT32_MAX,
                 "%s: batch is %lld, query_length %lld, key_length %lld, must not be negative", name,
                 (long long)op.batch, (long long)op.query_length, (long long)op.key_length);
  SARTOR_REQUIRE(op.kv_heads > 0 && op.heads > 0 && op.heads % op.kv_heads == 0,
                 "%s: heads is %d, must be a positive multiple of kv_heads, %d", name, op.heads, op.kv_heads);
  SARTOR_REQUIRE(op.head_dim > 0 && op.head_dim <= 1024, "%s: head_dim is %d, must be in [1, 1024]", name,
                 op.head_dim);
  SARTOR_REQUIRE(op.window >= 0, "%s: window is %d, must not be negative", name, op.window);
  SARTOR_REQUIRE(op.softcap >= 0, "%s: softcap is %g, must not be negative", name, (double)op.softcap);
  int64_t q_width = (int64_t)op.heads * op.head_dim, k_width = (int64_t)op.kv_heads * op.head_dim;
  SARTOR_REQUIRE(op.q_stride >= q_width && op.k_stride >= k_width && op.v_stride >= k_width,
                 "%s: strides of q, k, v are %lld, %lld, %lld, must be at least heads * head_dim = %lld, %lld, %lld",
                 name, (long long)op.q_stride, (long long)op.k_stride, (long long)op.v_stride, (long long)q_width,
                 (long long)k_width, (long long)k_width);
  int64_t queries = op.batch * op.query_length;
  if (queries == 0) return SARTOR_OK;
  SARTOR_REQUIRE(op.q && op.o && op.log_sum_exp && op.key_begin && op.key_end,
                 "%s: one of q, o, log_sum_exp, key_begin, key_end is null", name);
  SARTOR_REQUIRE((op.k && op.v) || op.key_length == 0, "%s: k or v is null", name);
  for (int64_t i = 0; i < queries; i++)
    if (op.key_begin[i] < 0 || op.key_end[i] > op.key_length)
      return context.fail(SARTOR_BAD_INDEX, "%s: query %lld of row %lld attends to keys [%d, %d), must be in [0, %lld)",
                          name, (long long)(i % op.query_length), (long long)(i / op.query_length), op.key_begin[i],
                          op.key_end[i], (long long)op.key_length);
  return SARTOR_OK;
}

/* A block of queries against blocks of keys: lanes are queries. */
struct QueryBlock {
  int32_t begin[tile], end[tile]; /* the keys that each query sees; nothing in lanes past rows */
  int32_t rows;
  int32_t first_key, last_key; /* what some query sees lies in [first_key, last_key) */
  int32_t all_begin, all_end;  /* what every query sees */

  QueryBlock(const int32_t *key_begin, const int32_t *key_end, int64_t query, int rows, int32_t window)
      : rows(rows), first_key(INT32_MAX), last_key(0), all_begin(0), all_end(INT32_MAX) {
    for (int r = 0; r < tile; r++) {
      KeyRange range = r < rows ? key_range(key_begin, key_end, query + r, window) : KeyRange{0, 0};
      begin[r] = range.begin, end[r] = range.end;
      if (r >= rows) continue;
      all_begin = maximum(all_begin, range.begin), all_end = minimum(all_end, range.end);
      if (range.begin == range.end) continue;
      first_key = minimum(first_key, range.begin), last_key = maximum(last_key, range.end);
    }
    if (first_key > last_key) first_key = 0;
  }

  int columns() const { return (int)round_up(rows, lanes); }

  /* Keys key + [from, to) of a block that may be seen, from and to even; false: none. */
  bool keys(int64_t key, int &from, int &to) const {
    int64_t first = maximum<int64_t>(first_key - key, 0), last = minimum<int64_t>(last_key - key, tile);
    from = (int)(first / 2 * 2), to = (int)round_up(last, 2);
    return first < last;
  }

  /* Every query sees all keys of [from, to). */
  bool sees_all(int64_t from, int64_t to) const { return all_begin <= from && to <= all_end; }

  /* Queries column .. column + lanes - 1 that see the key. */
  vi sees(int column, int64_t key) const {
    vi first = (vi) * (const vu_any *)(begin + column), last = (vi) * (const vu_any *)(end + column);
    vi k = (int32_t)key - vi{};
    return (first <= k) & (last > k);
  }
};

/* Runs body(task, thread) for every task of [0, tasks); threads take the next as they come free,
 * so unequal tasks, and cores that others use too, keep all busy. Longest tasks first. */
template <class Body>
static inline void take_turns(Context &context, int64_t tasks, Body &&body) {
  int64_t next = 0;
  context.parallel(minimum<int64_t>(tasks, context.threads), [&](int64_t first, int64_t last, int thread) {
    for (; first < last; first++)
      for (int64_t task; (task = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < tasks;) body(task, thread);
  });
}

} // namespace SARTOR_ISA
} // namespace sartor

#endif
