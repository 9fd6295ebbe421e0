/* matvec.h: products of a few rows with a quantized weight, as in decoding, straight from its
 * codes: nothing but codes and scales is read, and no panel is made. */
#ifndef SARTOR_GEMM_MATVEC_H
#define SARTOR_GEMM_MATVEC_H

#include "gemm/operands.h"

namespace sartor::SARTOR_ISA {

/* More rows go to panels: there a code is looked up once for all of them. */
static constexpr int64_t matvec_rows = lanes >= 16 ? 4 : 1;

/* Whether the product's first segment is computed this way: few rows, packed codes, and an even
 * number of columns, so that those of a pair share a scale. */
static inline bool is_matvec(const Product &p) {
  const RightOperand &b = p.segments[0].b;
  const int64_t k = p.segments[0].k;
  return p.m <= matvec_rows && k > 0 && k % 2 == 0 && b.kind == RightOperand::packed && is_quantized(b.dtype);
}

/* sums[m][64] = the first segment's sums for the columns [n0, n0 + 64) of C, n0 a multiple of 64.
 * Codes are multiplied as they are and their sums by the scale, both exact in float32; where
 * pairs of bfloat16 are multiplied, a 4-bit code's value is rounded to bfloat16 (in place of
 * value * scale), an int8 code is exact. */
void matvec_panel(const Product &p, int64_t n0, float *sums);

}  // namespace sartor::SARTOR_ISA

#endif
