/* quantized.h: the values of quantized weights (see sartor_scales), element by element, by rows,
 * and in the packed order. */
#ifndef SARTOR_GEMM_QUANTIZED_H
#define SARTOR_GEMM_QUANTIZED_H

#include "gemm/packed.h"
#include "simd.h"

namespace sartor::SARTOR_ISA {

static constexpr int64_t scale_block = 64;  /* elements that share an absmax */
static constexpr int64_t nested_block = 256; /* scales that share a nested absmax */

/* The 16 values of NF4 (bitsandbytes' create_normal_map, by code) and of FP4. */
alignas(64) static constexpr float nf4_values[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};
alignas(64) static constexpr float fp4_values[16] = {
    0.0f, 0.0625f / 12,  8.0f / 12,  1.0f,  4.0f / 12,  0.5f,  2.0f / 12,  0.25f,
    0.0f, -0.0625f / 12, -8.0f / 12, -1.0f, -4.0f / 12, -0.5f, -2.0f / 12, -0.25f,
};

static inline const float *code_values(int32_t dtype) { return dtype == SARTOR_NF4 ? nf4_values : fp4_values; }
static inline constexpr uint32_t zero_code(int32_t dtype) { return dtype == SARTOR_NF4 ? 7 : 0; }

/* 16 floats, looked up by the low four bits of each lane. */
struct Lookup {
#if SARTOR_SIMD_AVX512
  __m512 table;
  explicit Lookup(const float *values) : table(_mm512_loadu_ps(values)) {}
  __attribute__((always_inline)) vf operator()(vu index) const { return (vf)_mm512_permutexvar_ps((__m512i)index, table); }
#elif SARTOR_SIMD_AVX2
  __m256 low, high;
  explicit Lookup(const float *values) : low(_mm256_loadu_ps(values)), high(_mm256_loadu_ps(values + 8)) {}
  __attribute__((always_inline)) vf operator()(vu index) const {
    const __m256i i = (__m256i)index;
    const __m256 upper = _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)); /* bit 3 as the sign */
    return (vf)_mm256_blendv_ps(_mm256_permutevar8x32_ps(low, i), _mm256_permutevar8x32_ps(high, i), upper);
  }
#elif SARTOR_SIMD_NEON
  uint8x16x4_t table;
  explicit Lookup(const float *values) {
    for (int i = 0; i < 4; ++i) table.val[i] = vreinterpretq_u8_f32(vld1q_f32(values + 4 * i));
  }
  __attribute__((always_inline)) vf operator()(vu index) const {
    const vu bytes = (index & 15) * 0x04040404u + 0x03020100u; /* the four bytes of each float */
    return (vf)vqtbl4q_u8(table, (uint8x16_t)bytes);
  }
#else
  const float *values;
  explicit Lookup(const float *values) : values(values) {}
  __attribute__((always_inline)) vf operator()(vu index) const {
    vf result{};
    for (int i = 0; i < lanes; ++i) result[i] = values[index[i] & 15];
    return result;
  }
#endif
};

/* Scales may lie in a mapped file, at any address. */
static inline float float_at(const void *p, int64_t index) {
  float value;
  memcpy(&value, (const char *)p + index * 4, 4);
  return value;
}

/* absmax of an entry of scales.absmax that belongs to block `block` of the row-major order. */
static inline float scale_at(const sartor_scales &s, int64_t entry, int64_t block) {
  if (!s.nested_absmax) return float_at(s.absmax, entry);
  const uint8_t code = ((const uint8_t *)s.absmax)[entry];
  return float_at(s.nested_map, code) * float_at(s.nested_absmax, block / nested_block) + s.nested_offset;
}

/* int8: what a code is multiplied by. */
static inline float int8_step(const sartor_scales &s, int64_t row) { return float_at(s.absmax, row) / 127.0f; }

static inline float outlier_value(const sartor_scales &s, int64_t outlier, int64_t row, int64_t rows) {
  return to_float(((const bfloat16 *)s.outliers)[outlier * rows + row]);
}

/* out[i] = element (row, first + i) of a quantized weight. */
void dequantize_row(const sartor_weight &w, int64_t row, int64_t first, int64_t count, float *out);

}  // namespace sartor::SARTOR_ISA

#endif
