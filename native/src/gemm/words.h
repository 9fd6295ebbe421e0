/* words.h: 32-bit words as the products take them (a float32 or a pair of bfloat16): loading,
 * pairing, transposing. */
#ifndef SARTOR_GEMM_WORDS_H
#define SARTOR_GEMM_WORDS_H

#include <type_traits>

#include "simd.h"

namespace sartor::SARTOR_ISA {

typedef uint16_t vhh __attribute__((vector_size(lanes * 4))); /* twice as many halves as lanes */

/* a0 b0 a1 b1 ... of the lower and of the upper halves */
#if SARTOR_SIMD_AVX512
#define SARTOR_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SARTOR_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define SARTOR_LOW_HALVES \
  0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47
#define SARTOR_HIGH_HALVES                                                                                             \
  16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, \
      62, 31, 63
#elif SARTOR_SIMD_AVX2
#define SARTOR_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define SARTOR_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define SARTOR_LOW_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SARTOR_HIGH_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#else
#define SARTOR_LOW 0, 4, 1, 5
#define SARTOR_HIGH 2, 6, 3, 7
#define SARTOR_LOW_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define SARTOR_HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#endif

SARTOR_INLINE vu interleave_low(vu a, vu b) { return __builtin_shufflevector(a, b, SARTOR_LOW); }
SARTOR_INLINE vu interleave_high(vu a, vu b) { return __builtin_shufflevector(a, b, SARTOR_HIGH); }
SARTOR_INLINE vu interleave_low_halves(vu a, vu b) {
  return (vu)__builtin_shufflevector((vhh)a, (vhh)b, SARTOR_LOW_HALVES);
}
SARTOR_INLINE vu interleave_high_halves(vu a, vu b) {
  return (vu)__builtin_shufflevector((vhh)a, (vhh)b, SARTOR_HIGH_HALVES);
}

/* rows[i][j] <-> rows[j][i]: interleaving the first half of the rows with the second rotates
 * the index bits by one; after log2(lanes) rounds rows and columns have changed places. */
SARTOR_INLINE void transpose(vu (&rows)[lanes]) {
#pragma GCC unroll 4
  for (int round = 1; round < lanes; round *= 2) {
    vu next[lanes];
#pragma GCC unroll 8
    for (int i = 0; i < lanes / 2; ++i) {
      next[2 * i] = interleave_low(rows[i], rows[i + lanes / 2]);
      next[2 * i + 1] = interleave_high(rows[i], rows[i + lanes / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) rows[i] = next[i];
  }
}

/* Words whose low half is even[i] and whose high half is odd[i], both as bfloat16. */
SARTOR_INLINE vu pair_words(vh even, vh odd) {
  return __builtin_convertvector(even, vu) | __builtin_convertvector(odd, vu) << 16;
}

/* The same of floats, which are rounded. */
SARTOR_INLINE vu bfloat16_pairs(vf even, vf odd) {
#if SARTOR_SIMD_AVX512 && defined(__AVX512BF16__)
  const vhh both = (vhh)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even); /* the even ones below */
  const vhh order = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return (vu)_mm512_permutexvar_epi16((__m512i)order, (__m512i)both);
#else
  return pair_words(to_bfloat16(even), to_bfloat16(odd));
#endif
}

SARTOR_INLINE vu load_words(const char *p) { return (vu) * (const vu_any *)p; }
SARTOR_INLINE void store_words(char *p, vu x) { *(vu_any *)p = x; }

/* Up to `count` elements (any number, also negative) as one vector; the rest is zero. */
template <class T>
SARTOR_INLINE vf load_part(const T *p, int64_t count) {
  if (count >= lanes) return load(p);
  if (count <= 0) return splat(0.0f);
  return load(p, (int)count);
}

/* The same as bits of bfloat16. */
template <class T>
SARTOR_INLINE vh load_halves(const T *p, int64_t count) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    if (count >= lanes) return (vh) * (const vh_any *)p;
    vh halves = {};
    for (int64_t i = 0; i < count; ++i) halves[i] = p[i].bits;
    return halves;
  } else {
    return to_bfloat16(load_part(p, count));
  }
}

/* Two vectors' length of elements as words of neighbours. */
template <class T>
SARTOR_INLINE vu load_neighbours(const T *p, int64_t count) {
  union {
    vh halves[2];
    vu words;
  } both;
  both.halves[0] = load_halves(p, count);
  both.halves[1] = load_halves(p + lanes, count - lanes);
  return both.words;
}

}  // namespace sartor::SARTOR_ISA

#endif
