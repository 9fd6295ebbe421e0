/* operands.h: what a matrix product C[m, n] = sum over segments of A[m, k] B[k, n] is made of. */
#ifndef SARTOR_GEMM_OPERANDS_H
#define SARTOR_GEMM_OPERANDS_H

#include "gemm/packed.h"
#include "kernel.h"
#include "simd.h"

namespace sartor::SARTOR_ISA {

/* Products are computed from 32-bit words: one float32, or two bfloat16 neighbours along k
 * where the processor has a dot product of such pairs. Elsewhere bfloat16 is widened. */
#if defined(__AVX512BF16__)
static constexpr bool multiplies_bfloat16 = true;
#else
static constexpr bool multiplies_bfloat16 = false;
#endif

static inline constexpr int32_t compute_dtype(int32_t dtype) {
  return dtype == SARTOR_BFLOAT16 && multiplies_bfloat16 ? SARTOR_BFLOAT16 : SARTOR_FLOAT32;
}
static inline constexpr int64_t dtype_bytes(int32_t dtype) { return dtype == SARTOR_FLOAT32 ? 4 : 2; }

/* A [m, k], row-major in the compute dtype. In bfloat16 an odd k is followed by a zero. */
struct LeftOperand {
  const void *data = nullptr;
  int64_t stride = 0; /* elements from row to row */
};

/* B [k, n] in any form a panel of 64 columns can be made from. A quantized one is of the same
 * kinds, its dtype says so, and it has scales. */
struct RightOperand {
  enum Kind {
    packed,            /* panels of a weight [n, k]             */
    packed_transposed, /* panels of a weight [k, n]             */
    rows_are_k,        /* row-major [k, n], rows `stride` apart */
    rows_are_n,        /* row-major [n, k], rows `stride` apart */
    rows_apart         /* [n, k] as n pointers to rows; null: zeros. float32 */
  };
  const void *data = nullptr;
  Kind kind = packed;
  int32_t dtype = SARTOR_FLOAT32;
  int64_t stride = 0;
  const sartor_scales *scales = nullptr;
};

struct Segment {
  LeftOperand a;
  RightOperand b;
  int64_t k = 0;
};

static constexpr int max_segments = 2 * SARTOR_MAX_PROJECTIONS;

struct Product {
  int64_t m = 0;
  int64_t n = 0;
  int32_t compute = SARTOR_FLOAT32;
  int segment_count = 1;
  Segment segments[max_segments]; /* long ones first, then those as short as an adapter's rank */
};

/* W as in y = x W^T, and as in dx = dy W. */
static inline RightOperand right_operand(const sartor_weight &w) {
  return {w.data, w.layout == SARTOR_PACKED ? RightOperand::packed : RightOperand::rows_are_n, w.dtype, w.columns,
          &w.scales};
}
static inline RightOperand right_operand_transposed(const sartor_weight &w) {
  return {w.data, w.layout == SARTOR_PACKED ? RightOperand::packed_transposed : RightOperand::rows_are_k, w.dtype,
          w.columns, &w.scales};
}

/* Writes columns [n0, n0 + columns) and rows [k0, k0 + kc) of B [k, n] as one panel of
 * panel_dtype (see packed.h). n0 and k0 are multiples of 64, columns is a multiple of the vector
 * length up to 64; columns beyond n are zero. (A packed B of panel_dtype is its own panel.) k0 is even; with
 * quantized weights a multiple of 64. */
void fill_panel(const RightOperand &b, int64_t k, int64_t n, int64_t n0, int64_t columns, int64_t k0, int64_t kc,
                int32_t panel_dtype, void *panel);

}  // namespace sartor::SARTOR_ISA

#endif
