/* philox.h: the counter-based random stream, Philox 4x32-10 (Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", 2011).
 *
 * Element i of a site at a step is lane i % 4 of the block with
 *   key     = seed, low word first
 *   counter = (i / 4 low, i / 4 high, site low 32 bits, step low 32 bits)
 * A uniform number is (word >> 8) * 2^-24; an element is dropped where it is < probability.
 */
#ifndef SARTOR_PHILOX_H
#define SARTOR_PHILOX_H

#include "simd.h"

namespace sartor {
namespace SARTOR_ISA {

constexpr uint32_t philox_multiplier0 = 0xD2511F53u, philox_multiplier1 = 0xCD9E8D57u;
constexpr uint32_t philox_weyl0 = 0x9E3779B9u, philox_weyl1 = 0xBB67AE85u;

/* One block: counter[4] becomes four random words. */
SARTOR_INLINE void philox(uint32_t counter[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    uint64_t a = (uint64_t)philox_multiplier0 * counter[0];
    uint64_t b = (uint64_t)philox_multiplier1 * counter[2];
    uint32_t c1 = counter[1], c3 = counter[3];
    counter[0] = (uint32_t)(b >> 32) ^ c1 ^ key0;
    counter[1] = (uint32_t)b;
    counter[2] = (uint32_t)(a >> 32) ^ c3 ^ key1;
    counter[3] = (uint32_t)a;
    key0 += philox_weyl0;
    key1 += philox_weyl1;
  }
}

SARTOR_INLINE float philox_uniform(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

/* Low and high words of a * m in each lane. */
SARTOR_INLINE void multiply_wide(vu a, uint32_t m, vu &low, vu &high) {
#if SARTOR_SIMD_AVX512
  __m512i factor = _mm512_set1_epi32((int)m), x = (__m512i)a;
  __m512i even = _mm512_mul_epu32(x, factor);
  __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), factor);
  low = (vu)_mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  high = (vu)_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
#elif SARTOR_SIMD_AVX2
  __m256i factor = _mm256_set1_epi32((int)m), x = (__m256i)a;
  __m256i even = _mm256_mul_epu32(x, factor);
  __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), factor);
  low = (vu)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  high = (vu)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
#else
  for (int i = 0; i < lanes; i++) {
    uint64_t product = (uint64_t)a[i] * m;
    low[i] = (uint32_t)product;
    high[i] = (uint32_t)(product >> 32);
  }
#endif
}

/* The blocks first .. first + lanes - 1: word w of block first + l in lane l of out[w]. */
SARTOR_INLINE void philox_blocks(uint64_t first, uint32_t site, uint32_t step, uint64_t seed, vu out[4]) {
  vu c0 = (vu)lane_indices() + (uint32_t)first;
  vu c1 = splat_bits((uint32_t)(first >> 32)) - (vu)(c0 < (uint32_t)first); /* the carry */
  vu c2 = splat_bits(site), c3 = splat_bits(step);
  uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    vu low0, high0, low1, high1;
    multiply_wide(c0, philox_multiplier0, low0, high0);
    multiply_wide(c2, philox_multiplier1, low1, high1);
    c0 = high1 ^ c1 ^ splat_bits(key0);
    c1 = low1;
    c2 = high0 ^ c3 ^ splat_bits(key1);
    c3 = low0;
    key0 += philox_weyl0;
    key1 += philox_weyl1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* factors[j] = factor(u), u in [0, 1) as element first + j draws it. */
template <class Factor>
static inline void uniform_factors(float *factors, int64_t first, int64_t count, uint64_t seed, uint64_t step, int64_t site,
                                   Factor &&factor) {
  for (int64_t i = first; i < first + count;) {
    uint64_t block = (uint64_t)i / 4;
    vu words[4];
    philox_blocks(block, (uint32_t)site, (uint32_t)step, seed, words);
    vf drawn[4];
    for (int w = 0; w < 4; w++) {
      drawn[w] = factor(__builtin_convertvector((vi)(words[w] >> 8), vf) * splat(0x1p-24f));
    }
    /* Lane l of vector w belongs to element 4 l + w. */
    vf even_low = interleave_low(drawn[0], drawn[2]), odd_low = interleave_low(drawn[1], drawn[3]);
    vf even_high = interleave_high(drawn[0], drawn[2]), odd_high = interleave_high(drawn[1], drawn[3]);
    float part[4 * lanes];
    int64_t skip = i - (int64_t)block * 4, n = 4 * lanes - skip;
    bool direct = skip == 0 && first + count - i >= n;
    float *target = direct ? factors + (i - first) : part;
    store(target, interleave_low(even_low, odd_low));
    store(target + lanes, interleave_high(even_low, odd_low));
    store(target + 2 * lanes, interleave_low(even_high, odd_high));
    store(target + 3 * lanes, interleave_high(even_high, odd_high));
    if (!direct) {
      if (n > first + count - i) n = first + count - i;
      memcpy(factors + (i - first), part + skip, sizeof(float) * (size_t)n);
    }
    i += n;
  }
}

/* scales[j] = 0 where element first + j is dropped, 1 / (1 - probability) where it is kept:
 * multiply by it, in the forward and in the backward pass. */
static inline void dropout_scales(float *scales, int64_t first, int64_t count, uint64_t seed, uint64_t step,
                                  int64_t site, float probability) {
  const vf kept = splat(1.0f / (1.0f - probability));
  uniform_factors(scales, first, count, seed, step, site, [&](vf uniform) { return select(uniform < probability, vf{}, kept); });
}

} // namespace SARTOR_ISA
} // namespace sartor

#endif
