/* simd.h: one float vector type per instruction set and the few operations kernels need.
 *
 * A kernel source is written once and compiled once per instruction set with
 * -DSARTOR_ISA=<name>; everything lies in namespace sartor::SARTOR_ISA and every function is
 * static, so code for a wide instruction set can never be linked into a narrower path.
 *
 *   vf, vi, vu        float, int32, uint32 vectors of `lanes` elements
 *   load, store       float, bfloat16 and float16 memory; whole vectors or the first n lanes
 *   gather, look_up   elements of a table
 *   fma, max, min, sqrt, exp, exp2, tanh, erf, sum, maximum
 *   each_vector       loop over [0, n): whole vectors, then one partial vector
 */
#ifndef SARTOR_SIMD_H
#define SARTOR_SIMD_H

#include <stdint.h>
#include <string.h>

#ifndef SARTOR_ISA
#error "compile with -DSARTOR_ISA=avx512_bf16, avx512, avx2, neon or portable"
#endif

#define SARTOR_IS_portable 1
#define SARTOR_JOIN2(a, b) a##b
#define SARTOR_JOIN(a, b) SARTOR_JOIN2(a, b)

#if SARTOR_JOIN(SARTOR_IS_, SARTOR_ISA)
#define SARTOR_SIMD_PORTABLE 1
#elif defined(__AVX512F__)
#define SARTOR_SIMD_AVX512 1
/* GCC 12's _mm512_undefined_ps() warns of itself (GCC bug 105593). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#elif defined(__AVX2__)
#define SARTOR_SIMD_AVX2 1
#include <immintrin.h>
#elif defined(__ARM_NEON)
#define SARTOR_SIMD_NEON 1
#include <arm_neon.h>
#else
#error "this instruction set needs its compiler flags (-mavx512f..., -mavx2 -mfma -mf16c)"
#endif

#define SARTOR_INLINE static inline __attribute__((always_inline))

namespace sartor {
namespace SARTOR_ISA {

struct bfloat16 {
  uint16_t bits;
};
struct float16 {
  uint16_t bits;
};

#if SARTOR_SIMD_AVX512
constexpr int lanes = 16;
#elif SARTOR_SIMD_AVX2
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif

typedef float vf __attribute__((vector_size(lanes * 4)));
typedef int32_t vi __attribute__((vector_size(lanes * 4)));
typedef uint32_t vu __attribute__((vector_size(lanes * 4)));
typedef uint16_t vh __attribute__((vector_size(lanes * 2)));
typedef uint8_t vb __attribute__((vector_size(lanes)));

typedef float vf_any __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint32_t vu_any __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef uint16_t vh_any __attribute__((vector_size(lanes * 2), aligned(2), may_alias));
typedef uint8_t vb_any __attribute__((vector_size(lanes), aligned(1), may_alias));

/* Passed instead of a count where all lanes take part. */
struct whole_t {};
constexpr whole_t whole{};

SARTOR_INLINE vf splat(float x) { return x - vf{}; }
SARTOR_INLINE vu splat_bits(uint32_t x) { return x - vu{}; }

/* ---- arithmetic ---------------------------------------------------------------------- */

/* a * b + c; one rounding, except on portable */
SARTOR_INLINE vf fma(vf a, vf b, vf c) {
#if SARTOR_SIMD_AVX512
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif SARTOR_SIMD_AVX2
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif SARTOR_SIMD_NEON
  return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

SARTOR_INLINE vf max(vf a, vf b) {
#if SARTOR_SIMD_AVX512
  return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif SARTOR_SIMD_AVX2
  return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif SARTOR_SIMD_NEON
  return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
#else
  return a > b ? a : b;
#endif
}

SARTOR_INLINE vf min(vf a, vf b) {
#if SARTOR_SIMD_AVX512
  return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif SARTOR_SIMD_AVX2
  return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif SARTOR_SIMD_NEON
  return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b);
#else
  return a < b ? a : b;
#endif
}

SARTOR_INLINE vf sqrt(vf a) {
#if SARTOR_SIMD_AVX512
  return (vf)_mm512_sqrt_ps((__m512)a);
#elif SARTOR_SIMD_AVX2
  return (vf)_mm256_sqrt_ps((__m256)a);
#elif SARTOR_SIMD_NEON
  return (vf)vsqrtq_f32((float32x4_t)a);
#else
  vf r;
  for (int i = 0; i < lanes; i++) r[i] = __builtin_sqrtf(a[i]);
  return r;
#endif
}

/* mask lanes are all ones or all zeros, as comparisons of vectors give */
SARTOR_INLINE vf select(vi mask, vf a, vf b) { return mask ? a : b; }

SARTOR_INLINE bool any(vi mask) {
#if SARTOR_SIMD_AVX512
  return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif SARTOR_SIMD_AVX2
  return _mm256_movemask_ps((__m256)mask) != 0;
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

SARTOR_INLINE vf abs(vf a) { return (vf)((vu)a & splat_bits(0x7fffffffu)); }
SARTOR_INLINE vf copy_sign(vf magnitude, vf sign) {
  return (vf)(((vu)magnitude & splat_bits(0x7fffffffu)) | ((vu)sign & splat_bits(0x80000000u)));
}

/* Sum of the lanes, halves first: always the same order. */
SARTOR_INLINE float sum(vf a) {
#if SARTOR_SIMD_AVX512 || SARTOR_SIMD_AVX2
#if SARTOR_SIMD_AVX512
  __m256 b = _mm256_add_ps(_mm512_castps512_ps256((__m512)a),
                           _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)a), 1)));
#else
  __m256 b = (__m256)a;
#endif
  __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  c = _mm_add_ps(c, _mm_movehl_ps(c, c));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_shuffle_ps(c, c, 1)));
#else
  return (a[0] + a[2]) + (a[1] + a[3]);
#endif
}

SARTOR_INLINE float maximum(vf a) {
#if SARTOR_SIMD_AVX512 || SARTOR_SIMD_AVX2
#if SARTOR_SIMD_AVX512
  __m256 b = _mm256_max_ps(_mm512_castps512_ps256((__m512)a),
                           _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)a), 1)));
#else
  __m256 b = (__m256)a;
#endif
  __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  c = _mm_max_ps(c, _mm_movehl_ps(c, c));
  return _mm_cvtss_f32(_mm_max_ss(c, _mm_shuffle_ps(c, c, 1)));
#else
  float r = a[0];
  for (int i = 1; i < lanes; i++) r = a[i] > r ? a[i] : r;
  return r;
#endif
}

/* ---- conversions --------------------------------------------------------------------- */

SARTOR_INLINE float to_float(float x) { return x; }
SARTOR_INLINE float to_float(bfloat16 x) {
  uint32_t bits = (uint32_t)x.bits << 16;
  float r;
  memcpy(&r, &bits, 4);
  return r;
}

SARTOR_INLINE vf from_bfloat16(vh x) { return (vf)(__builtin_convertvector(x, vu) << 16); }

/* Round to nearest even; a NaN stays a NaN (its payload's top bit is set). */
SARTOR_INLINE vh to_bfloat16(vf x) {
#if SARTOR_SIMD_AVX512 && defined(__AVX512BF16__)
  return (vh)_mm512_cvtneps_pbh((__m512)x); /* results below 2^-126 become 0 */
#else
  vu bits = (vu)x;
  vu rounded = (bits + splat_bits(0x7fff) + ((bits >> 16) & 1)) >> 16;
  vu nan = (bits >> 16) | splat_bits(0x40);
  vi is_nan = x != x;
  vu r = (rounded & ~(vu)is_nan) | (nan & (vu)is_nan);
  return __builtin_convertvector(r, vh);
#endif
}

/* A product by 2^112 rebuilds the exponent and normalizes subnormals exactly. */
SARTOR_INLINE vf from_float16(vh x) {
  vu h = __builtin_convertvector(x, vu);
  vf scaled = (vf)((h & 0x7fff) << 13) * splat(0x1p112f);
  vu special = (vu)((h & 0x7c00) == splat_bits(0x7c00)) & splat_bits(0x7f800000);
  return (vf)((vu)scaled | special | ((h & 0x8000) << 16));
}

SARTOR_INLINE vh to_float16(vf x) {
#if SARTOR_SIMD_AVX512
  return (vh)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif SARTOR_SIMD_AVX2
  return (vh)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
#elif SARTOR_SIMD_NEON
  return (vh)vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)x));
#else
  vu sign = ((vu)x >> 16) & 0x8000;
  vf a = abs(x);
  vu bits = (vu)a;
  /* Normal results: rebias and round to even on bit 13. */
  vu normal = (bits - splat_bits(0x38000000u) + splat_bits(0xfff) + ((bits >> 13) & 1)) >> 13;
  /* Subnormal results: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits. */
  vu subnormal = (vu)(a + splat(0.5f)) - splat_bits(0x3f000000u);
  vu infinite = splat_bits(0x7c00);
  vu nan = splat_bits(0x7e00) | ((bits >> 13) & 0x3ff);
  vu small = (vu)(a < splat(0x1p-14f));
  vu large = (vu)(a >= splat(65520.0f));
  vu is_nan = (vu)(x != x);
  vu r = (normal & ~small) | (subnormal & small);
  r = (r & ~large) | (infinite & large);
  r = (r & ~is_nan) | (nan & is_nan);
  return __builtin_convertvector(r | sign, vh);
#endif
}

/* ---- memory -------------------------------------------------------------------------- */

SARTOR_INLINE vf load(const float *p) { return (vf) * (const vf_any *)p; }
SARTOR_INLINE vf load(const bfloat16 *p) { return from_bfloat16((vh) * (const vh_any *)p); }
SARTOR_INLINE vf load(const float16 *p) { return from_float16((vh) * (const vh_any *)p); }

SARTOR_INLINE void store(float *p, vf x) { *(vf_any *)p = x; }
SARTOR_INLINE void store(bfloat16 *p, vf x) { *(vh_any *)p = to_bfloat16(x); }
SARTOR_INLINE void store(float16 *p, vf x) { *(vh_any *)p = to_float16(x); }

template <class T>
SARTOR_INLINE vf load(const T *p, whole_t) {
  return load(p);
}
template <class T>
SARTOR_INLINE void store(T *p, vf x, whole_t) {
  store(p, x);
}

/* The first n lanes, 0 <= n <= lanes; the others read as zero. */
template <class T>
SARTOR_INLINE vf load(const T *p, int n) {
#if SARTOR_SIMD_AVX512
  __mmask16 mask = (__mmask16)((1u << n) - 1);
  if (sizeof(T) == 4) return (vf)_mm512_maskz_loadu_ps(mask, p);
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  vh h = (vh)_mm256_maskz_loadu_epi16(mask, p);
  return load((const T *)&h);
#endif
#endif
  T part[lanes] = {};
  for (int i = 0; i < n; i++) part[i] = p[i];
  return load(part);
}

template <class T>
SARTOR_INLINE void store(T *p, vf x, int n) {
#if SARTOR_SIMD_AVX512
  __mmask16 mask = (__mmask16)((1u << n) - 1);
  if (sizeof(T) == 4) {
    _mm512_mask_storeu_ps(p, mask, (__m512)x);
    return;
  }
#endif
  T part[lanes];
  store(part, x);
  for (int i = 0; i < n; i++) p[i] = part[i];
}

/* p[index[i]] */
SARTOR_INLINE vf gather(const float *p, vi index) {
#if SARTOR_SIMD_AVX512
  return (vf)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), (__mmask16)0xffff, (__m512i)index, p, 4);
#elif SARTOR_SIMD_AVX2
  return (vf)_mm256_i32gather_ps(p, (__m256i)index, 4);
#else
  vf r;
  for (int i = 0; i < lanes; i++) r[i] = p[index[i]];
  return r;
#endif
}
/* The same of bytes; three more behind the last must be readable. */
SARTOR_INLINE vi gather(const uint8_t *p, vi index) {
#if SARTOR_SIMD_AVX512
  return (vi)_mm512_mask_i32gather_epi32(_mm512_setzero_si512(), (__mmask16)0xffff, (__m512i)index, p, 1) & 255;
#elif SARTOR_SIMD_AVX2
  return (vi)_mm256_i32gather_epi32((const int *)p, (__m256i)index, 1) & 255;
#else
  vi r;
  for (int i = 0; i < lanes; i++) r[i] = p[index[i]];
  return r;
#endif
}

/* table[index[i]], 0 <= index[i] < 256: permutes where they are wide, which gathers are much slower than. */
SARTOR_INLINE vf look_up(const float (&table)[256], vi index) {
#if SARTOR_SIMD_AVX512
  const __m512i i = (__m512i)index; /* permutes read the lower five bits */
  __m512 found[8];
#pragma GCC unroll 8
  for (int part = 0; part < 8; part++)
    found[part] = _mm512_permutex2var_ps(_mm512_loadu_ps(table + 32 * part), i, _mm512_loadu_ps(table + 32 * part + 16));
#pragma GCC unroll 3
  for (int bit = 0; bit < 3; bit++) {
    const __mmask16 upper = _mm512_test_epi32_mask(i, _mm512_set1_epi32(32 << bit));
#pragma GCC unroll 4
    for (int part = 0; part < 4 >> bit; part++) found[part] = _mm512_mask_blend_ps(upper, found[2 * part], found[2 * part + 1]);
  }
  return (vf)found[0];
#else
  return gather(table, index);
#endif
}

/* A vector of bytes, and its lower eight bits back. */
SARTOR_INLINE vi load_bytes(const uint8_t *p) { return __builtin_convertvector((vb) * (const vb_any *)p, vi); }
SARTOR_INLINE void store_bytes(uint8_t *p, vi x) { *(vb_any *)p = __builtin_convertvector(x, vb); }

SARTOR_INLINE void store_scalar(float *p, float x) { *p = x; }
SARTOR_INLINE void store_scalar(bfloat16 *p, float x) { store(p, splat(x), 1); }

/* body(i, n) for each vector of [0, count): n is `whole`, and for a last partial one the
 * number of lanes. Write the body as a generic lambda: [&](int64_t i, auto n) {...}. */
template <class Body>
SARTOR_INLINE void each_vector(int64_t count, Body &&body) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(i, whole);
  if (i < count) body(i, (int)(count - i));
}

/* a0 b0 a1 b1 ... from the lower and from the upper halves */
SARTOR_INLINE vf interleave_low(vf a, vf b) {
#if SARTOR_SIMD_AVX512
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#elif SARTOR_SIMD_AVX2
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#endif
}
SARTOR_INLINE vf interleave_high(vf a, vf b) {
#if SARTOR_SIMD_AVX512
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif SARTOR_SIMD_AVX2
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

/* 0, 1, 2, ... */
SARTOR_INLINE vi lane_indices() {
  vi index;
  for (int i = 0; i < lanes; i++) index[i] = i;
  return index;
}

/* Sums (or maxima) must not see the lanes past the end. */
SARTOR_INLINE vf keep(vf x, whole_t, float) { return x; }
SARTOR_INLINE vf keep(vf x, int n, float otherwise) {
  return select(lane_indices() < n, x, splat(otherwise));
}

/* ---- functions ----------------------------------------------------------------------- */

/* e^x within 1 ulp; 0 below -87.3 (results that would be subnormal), inf above 88.7, NaN kept.
 * Cody and Waite reduction by ln 2 in two parts, polynomial of degree 7 on [-ln2/2, ln2/2]. */
SARTOR_INLINE vf exp(vf x) {
  const vf magic = splat(0x1.8p23f); /* adding it rounds to an integer, held in the low bits */
  vf clamped = min(max(x, splat(-104.0f)), splat(89.0f));
  vf shifted = fma(clamped, splat(1.44269504f), magic);
  vf n = shifted - magic;
  vf r = fma(n, splat(-0.693145752f), clamped);
  r = fma(n, splat(-1.42860677e-6f), r);
  vf p = splat(1.9841270e-4f);
  p = fma(p, r, splat(1.3888889e-3f));
  p = fma(p, r, splat(8.3333333e-3f));
  p = fma(p, r, splat(4.1666667e-2f));
  p = fma(p, r, splat(1.6666667e-1f));
  p = fma(p, r, splat(0.5f));
  p = fma(p * r, r, r) + splat(1.0f);
#if SARTOR_SIMD_AVX512
  vf result = (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  /* 2^n = 2^(n - n/2) * 2^(n/2), so that 2^128 does not overflow on the way. */
  vi e = (vi)shifted - (vi)magic;
  vi half = e >> 1;
  vf result = p * (vf)((half + 127) << 23) * (vf)((e - half + 127) << 23);
#endif
  result = select(x < splat(-87.3f), splat(0.0f), result);
  result = select(x > splat(88.7228317f), splat(__builtin_inff()), result);
  return select(x != x, x, result);
}

/* For x <= 0 (or NaN), as in softmax: the same without the upper end. */
SARTOR_INLINE vf exp_nonpositive(vf x) {
#if SARTOR_SIMD_AVX512
  const vf magic = splat(0x1.8p23f);
  vf clamped = max(splat(-87.5f), x); /* max returns its second operand where it is NaN */
  vf shifted = fma(clamped, splat(1.44269504f), magic);
  vf n = shifted - magic;
  vf r = fma(n, splat(-0.693145752f), clamped);
  r = fma(n, splat(-1.42860677e-6f), r);
  vf p = splat(1.9841270e-4f);
  p = fma(p, r, splat(1.3888889e-3f));
  p = fma(p, r, splat(8.3333333e-3f));
  p = fma(p, r, splat(4.1666667e-2f));
  p = fma(p, r, splat(1.6666667e-1f));
  p = fma(p, r, splat(0.5f));
  p = fma(p * r, r, r) + splat(1.0f);
  __mmask16 visible = _mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-87.3f), _CMP_NLT_UQ);
  return (vf)_mm512_maskz_scalef_ps(visible, (__m512)p, (__m512)n);
#else
  return exp(x);
#endif
}

/* 2^x within 2 ulp for x <= 127 (or NaN); 0 below -126 (or a subnormal number, where those cost
 * nothing to make). Minimax polynomial of degree 6 on [0, 1]. */
SARTOR_INLINE vf exp2(vf x) {
#if SARTOR_SIMD_AVX512
  vf r = (vf)_mm512_reduce_ps((__m512)x, 1); /* x - floor(x) */
#else
  const vf magic = splat(0x1.8p23f);
  vf clamped = max(splat(-127.0f), x); /* max returns its second operand where it is NaN */
  vf shifted = (clamped - splat(0.5f)) + magic;
  vf r = clamped - (shifted - magic);
#endif
  vf p = splat(2.17022549e-4f);
  p = fma(p, r, splat(1.24396873e-3f));
  p = fma(p, r, splat(9.67884064e-3f));
  p = fma(p, r, splat(5.54833412e-2f));
  p = fma(p, r, splat(2.4022983e-1f));
  p = fma(p, r, splat(6.93147004e-1f));
  p = fma(p, r, splat(1.0f));
#if SARTOR_SIMD_AVX512
  return (vf)_mm512_scalef_ps((__m512)p, (__m512)x); /* p * 2^floor(x) */
#else
  vi n = (vi)shifted - (vi)magic;
  vf result = p * (vf)((n + 127) << 23);
  result = select(x < splat(-126.0f), splat(0.0f), result);
  return select(x != x, x, result);
#endif
}

/* tanh within 2 ulp: odd polynomial (Cephes, Moshier) near 0, 1 - 2/(e^2|x| + 1) elsewhere. */
SARTOR_INLINE vf tanh(vf x) {
  vf s = x * x;
  vf p = splat(-5.70498872745e-3f);
  p = fma(p, s, splat(2.06390887954e-2f));
  p = fma(p, s, splat(-5.37397155531e-2f));
  p = fma(p, s, splat(1.33314422036e-1f));
  p = fma(p, s, splat(-3.33332819422e-1f));
  vf near = fma(p * s, x, x);
  vf a = abs(x);
  vf far = splat(1.0f) - splat(2.0f) / (exp(a + a) + splat(1.0f));
  vf r = copy_sign(select(a < splat(0.625f), near, far), x);
  return select(x != x, x, r);
}

/* erf within 2 ulp: minimax polynomials on |x| <= 0.927734375 and, as 1 - e^p(|x|), beyond. */
SARTOR_INLINE vf erf(vf x) {
  vf t = abs(x), s = x * x;
  vf q = fma(splat(-1.72853470e-5f), t, splat(3.83197126e-4f));
  vf u = fma(splat(-3.88396438e-3f), t, splat(2.42546219e-2f));
  q = fma(q, s, u);
  q = fma(q, t, splat(-1.06777877e-1f));
  q = fma(q, t, splat(-6.34846687e-1f));
  q = fma(q, t, splat(-1.28717512e-1f));
  q = fma(q, t, -t);
  /* Past 4 the result is 1; without the bound, infinity would meet infinity in the polynomial. */
  q = select(t > splat(4.0f), splat(-100.0f), q);
  vf far = copy_sign(splat(1.0f) - exp(q), x);
  vf p = splat(-5.96761703e-4f);
  p = fma(p, s, splat(4.99119423e-3f));
  p = fma(p, s, splat(-2.67681349e-2f));
  p = fma(p, s, splat(1.12819925e-1f));
  p = fma(p, s, splat(-3.76125336e-1f));
  p = fma(p, s, splat(1.28379166e-1f));
  vf near = fma(p, x, x);
  vf r = select(t > splat(0.927734375f), far, near);
  return select(x != x, x, r);
}

/* 1 / (1 + e^-x) */
SARTOR_INLINE vf sigmoid(vf x) { return splat(1.0f) / (splat(1.0f) + exp(-x)); }

} // namespace SARTOR_ISA
} // namespace sartor

#endif
