/* transpose.h: squares of 32-bit words, and pairs of bfloat16 in such words. */
#ifndef SARTOR_GEMM_TRANSPOSE_H
#define SARTOR_GEMM_TRANSPOSE_H

#include "simd.h"

namespace sartor::SARTOR_ISA {

typedef uint16_t vhh __attribute__((vector_size(lanes * 4))); /* twice as many halves as lanes */
typedef vhh vhh_any __attribute__((aligned(2), may_alias));

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

}  // namespace sartor::SARTOR_ISA

#endif
