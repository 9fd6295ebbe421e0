#include "gemm/matvec.h"

#include "gemm/quantized.h"
#include "gemm/words.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t pair_bytes_4bit = panel_width;     /* from one pair of columns to the next */
constexpr int64_t pair_bytes_int8 = 2 * panel_width;
constexpr int64_t int8_group = 256; /* columns that are summed before they join the others' sum */
/* What is read but once is fetched ahead, also over the borders of pages, where the processor stops. */
constexpr int64_t codes_ahead = 1024; /* bytes; half and twice it are slower than none */
constexpr int64_t groups_ahead = 4;   /* of scales */
constexpr int vectors = (int)(panel_width / lanes);

SARTOR_INLINE uint32_t word_at(const char *p) {
  uint32_t word;
  memcpy(&word, p, 4);
  return word;
}

/* The doubly quantized scales of one panel, opened group by group. */
class NestedScales {
 public:
  NestedScales(const sartor_scales &scales, int64_t n, int64_t columns, int64_t n0) : scales_(scales) {
    group_ = scale_group(columns);
    codes_ = (const uint8_t *)scales.absmax + packed_scale_index(n0, 0, columns);
    for (int64_t i = 0; i < panel_width; ++i) {
      /* Rows of padding have some scale too; their codes are 0. */
      const int64_t flat = minimum(n0 + i, n - 1) * columns;
      block_[i] = (int32_t)(flat / nested_elements);
      offset_[i] = (int32_t)(flat % nested_elements);
    }
  }

  const float *open(int64_t column) {
    if (column >= next_) enter(column);
    const uint8_t *codes = codes_ + column / group_ * panel_width;
    __builtin_prefetch(codes + groups_ahead * panel_width);
    const vf offset = splat(scales_.nested_offset);
    for (int64_t i = 0; i < panel_width; i += lanes) {
      const vf value = mapped(codes + i) * load(nested_ + i); /* two roundings, as everywhere */
      store(opened_ + i, value + offset);
    }
    return opened_;
  }

 private:
  static constexpr int64_t nested_elements = scale_block * nested_block;

  /* Looks the rows' nested scales up, which hold until the first of them ends. */
  void enter(int64_t column) {
    next_ = INT64_MAX;
    for (int64_t i = 0; i < panel_width; ++i) {
      const int64_t passed = (offset_[i] + column) / nested_elements;
      nested_[i] = float_at(scales_.nested_absmax, block_[i] + passed);
      next_ = minimum(next_, (passed + 1) * nested_elements - offset_[i]);
    }
  }

  vf mapped(const uint8_t *codes) const {
#if SARTOR_SIMD_AVX512
    const __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)codes));
    return (vf)_mm512_i32gather_ps(index, scales_.nested_map, 4);
#else
    vf values;
    for (int i = 0; i < lanes; ++i) values[i] = float_at(scales_.nested_map, codes[i]);
    return values;
#endif
  }

  const sartor_scales &scales_;
  int64_t group_;
  const uint8_t *codes_;
  int64_t next_ = 0;
  int32_t block_[panel_width], offset_[panel_width]; /* of each row's first element */
  alignas(64) float nested_[panel_width];
  alignas(64) float opened_[panel_width];
};

/* What a block of code words is multiplied with: rows of A from column k. */
struct Rows {
  const char *a;
  int64_t stride; /* bytes */
};

#if defined(__AVX512BF16__)

/* Sums of `pairs` pairs of columns, of bfloat16. A shift brings each nibble of a 16-bit word
 * to its low end in turn; the look-up heeds five bits, so the table holds its 16 values twice. */
template <int rows>
struct FourBitPairs {
  static constexpr int32_t compute = SARTOR_BFLOAT16;
  static constexpr int64_t pair_bytes = pair_bytes_4bit;
  __m512i table;

  explicit FourBitPairs(int32_t dtype) {
    const vh values = to_bfloat16(load(code_values(dtype)));
    table = _mm512_broadcast_i64x4((__m256i)values);
  }

  SARTOR_INLINE void step(const __m512i table, const char *codes, const char *a, int64_t stride, vf (&sums)[rows][4]) {
    const __m512i words = _mm512_loadu_si512(codes);
    const __m512bh w[4] = {(__m512bh)_mm512_permutexvar_epi16(words, table),
                           (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(words, 4), table),
                           (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(words, 8), table),
                           (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(words, 12), table)};
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const __m512bh x = (__m512bh)_mm512_set1_epi32((int)word_at(a + r * stride));
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sums[r][j] = (vf)_mm512_dpbf16_ps((__m512)sums[r][j], w[j], x);
    }
  }

  void operator()(const char *codes, const Rows &x, int64_t pairs, vf (&sums)[rows][vectors]) const {
    for (int64_t p = 0; p < pairs; ++p) {
      __builtin_prefetch(codes + p * pair_bytes + codes_ahead);
      step(table, codes + p * pair_bytes, x.a + 4 * p, x.stride, sums);
    }
  }
};

template <int rows>
struct Int8Pairs {
  static constexpr int32_t compute = SARTOR_BFLOAT16;
  static constexpr int64_t pair_bytes = pair_bytes_int8;
  explicit Int8Pairs(int32_t) {}

  SARTOR_INLINE __m512 widen(const char *codes) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)codes)));
  }

  void operator()(const char *codes, const Rows &x, int64_t pairs, vf (&sums)[rows][vectors]) const {
    for (int64_t p = 0; p < pairs; ++p, codes += pair_bytes) {
      __m512bh w[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) w[j] = _mm512_cvtne2ps_pbh(widen(codes + 32 * j + 16), widen(codes + 32 * j));
#pragma GCC unroll 4
      for (int r = 0; r < rows; ++r) {
        const __m512bh a = (__m512bh)_mm512_set1_epi32((int)word_at(x.a + r * x.stride + 4 * p));
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) sums[r][j] = (vf)_mm512_dpbf16_ps((__m512)sums[r][j], w[j], a);
      }
    }
  }
};

#endif

/* The same in float32. */
template <int rows>
struct FourBitFloats {
  static constexpr int32_t compute = SARTOR_FLOAT32;
  static constexpr int64_t pair_bytes = pair_bytes_4bit;
  Lookup lookup;
  explicit FourBitFloats(int32_t dtype) : lookup(code_values(dtype)) {}

  void operator()(const char *codes, const Rows &x, int64_t pairs, vf (&sums)[rows][vectors]) const {
    for (int64_t p = 0; p < pairs; ++p, codes += pair_bytes) {
#pragma GCC unroll 4
      for (int i = 0; i < 16 / lanes; ++i) {
        const vu words = load_words(codes + 4 * lanes * i);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const vf even = lookup(words >> (4 * j)), odd = lookup(words >> (16 + 4 * j));
          constexpr int per_nibble = 16 / lanes;
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) {
            const char *a = x.a + r * x.stride + 8 * p;
            vf &sum = sums[r][j * per_nibble + i];
            sum = fma(odd, (vf)splat_bits(word_at(a + 4)), fma(even, (vf)splat_bits(word_at(a)), sum));
          }
        }
      }
    }
  }
};

template <int rows>
struct Int8Floats {
  static constexpr int32_t compute = SARTOR_FLOAT32;
  static constexpr int64_t pair_bytes = pair_bytes_int8;
  explicit Int8Floats(int32_t) {}

  void operator()(const char *codes, const Rows &x, int64_t pairs, vf (&sums)[rows][vectors]) const {
    for (int64_t p = 0; p < pairs; ++p, codes += pair_bytes) {
#pragma GCC unroll 16
      for (int j = 0; j < vectors; ++j) {
        const vi words = (vi)__builtin_convertvector((vh) * (const vh_any *)(codes + 2 * lanes * j), vu);
        const vf even = __builtin_convertvector(words << 24 >> 24, vf), odd = __builtin_convertvector(words << 16 >> 24, vf);
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r) {
          const char *a = x.a + r * x.stride + 8 * p;
          sums[r][j] = fma(odd, (vf)splat_bits(word_at(a + 4)), fma(even, (vf)splat_bits(word_at(a)), sums[r][j]));
        }
      }
    }
  }
};

/* Group after group: the codes' sums, then once the scales. open(column) gives the 64 scales. */
template <template <int> class Codes, int rows, class Open>
void sum_groups(const Product &p, int64_t n0, int64_t group, Open &&open, float *sums) {
  const Segment &segment = p.segments[0];
  const Codes<rows> multiply(segment.b.dtype);
  const int64_t bytes = dtype_bytes(p.compute);
  const char *codes = (const char *)segment.b.data + n0 / panel_width * panel_bytes(segment.k, segment.b.dtype);
  memset(sums, 0, sizeof(float) * rows * panel_width);
  for (int64_t k = 0; k < segment.k; k += group) {
    const int64_t pairs = ceil_div(minimum(group, segment.k - k), 2);
    const float *scales = open(k);
    vf part[rows][vectors] = {};
    multiply(codes, {(const char *)segment.a.data + k * bytes, segment.a.stride * bytes}, pairs, part);
    codes += pairs * Codes<rows>::pair_bytes;
    for (int r = 0; r < rows; ++r)
      for (int j = 0; j < vectors; ++j) {
        float *sum = sums + r * panel_width + j * lanes;
        store(sum, fma(part[r][j], load(scales + j * lanes), load(sum)));
      }
  }
}

/* Columns kept in bfloat16; their codes are 0. */
void add_outliers(const Product &p, int64_t n0, float *sums) {
  const Segment &segment = p.segments[0];
  const sartor_scales &s = *segment.b.scales;
  const int64_t valid = minimum(panel_width, p.n - n0);
  for (int64_t o = 0; o < s.outlier_count; ++o) {
    const bfloat16 *values = (const bfloat16 *)s.outliers + o * p.n + n0;
    for (int64_t r = 0; r < p.m; ++r) {
      const int64_t at = r * segment.a.stride + s.outlier_columns[o];
      const float x = p.compute == SARTOR_FLOAT32 ? ((const float *)segment.a.data)[at]
                                                  : to_float(((const bfloat16 *)segment.a.data)[at]);
      float *row = sums + r * panel_width;
      each_vector(valid, [&](int64_t i, auto n) { store(row + i, fma(load(values + i, n), splat(x), load(row + i))); });
    }
  }
}

template <template <int> class FourBit, template <int> class Int8, int rows>
void sum_panel(const Product &p, int64_t n0, float *sums) {
  const Segment &segment = p.segments[0];
  const sartor_scales &s = *segment.b.scales;
  if (segment.b.dtype == SARTOR_INT8) {
    alignas(64) float steps[panel_width] = {};
    for (int64_t i = 0; i < minimum(panel_width, p.n - n0); ++i) steps[i] = int8_step(s, n0 + i);
    sum_groups<Int8, rows>(p, n0, int8_group, [&](int64_t) { return steps; }, sums);
    add_outliers(p, n0, sums);
    return;
  }
  const int64_t group = scale_group(segment.k);
  if (s.nested_absmax) {
    NestedScales nested(s, p.n, segment.k, n0);
    sum_groups<FourBit, rows>(p, n0, group, [&](int64_t k) { return nested.open(k); }, sums);
  } else {
    const float *scales = (const float *)s.absmax + packed_scale_index(n0, 0, segment.k);
    sum_groups<FourBit, rows>(p, n0, group, [&](int64_t k) {
      const float *at = scales + k / group * panel_width;
      for (int64_t i = 0; i < panel_width; i += 16) __builtin_prefetch(at + groups_ahead * panel_width + i);
      return at;
    }, sums);
  }
}

template <template <int> class FourBit, template <int> class Int8>
void by_rows(const Product &p, int64_t n0, float *sums) {
  if constexpr (matvec_rows > 1) {
    if (p.m == 4) return sum_panel<FourBit, Int8, 4>(p, n0, sums);
    if (p.m == 3) return sum_panel<FourBit, Int8, 3>(p, n0, sums);
    if (p.m == 2) return sum_panel<FourBit, Int8, 2>(p, n0, sums);
  }
  sum_panel<FourBit, Int8, 1>(p, n0, sums);
}

}  // namespace

void matvec_panel(const Product &p, int64_t n0, float *sums) {
#if defined(__AVX512BF16__)
  if (p.compute == SARTOR_BFLOAT16) return by_rows<FourBitPairs, Int8Pairs>(p, n0, sums);
#endif
  by_rows<FourBitFloats, Int8Floats>(p, n0, sums);
}

}  // namespace sartor::SARTOR_ISA
