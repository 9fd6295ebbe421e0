/* experts.h: what the kernels on grouped rows of mixtures of experts share (see sartor_experts.h). */
#ifndef SARTOR_OPS_EXPERTS_H
#define SARTOR_OPS_EXPERTS_H

#include "ops/checks.h"

namespace sartor::SARTOR_ISA {

/* Rows of assignments lie in [0, rows), or are -1. */
[[maybe_unused]] static int32_t check_inverse(Context &context, const char *op, const int32_t *inverse, int64_t assignments,
                                              int64_t rows) {
  SARTOR_REQUIRE(inverse || assignments == 0, "%s: inverse is null", op);
  for (int64_t a = 0; a < assignments; ++a)
    if (inverse[a] < -1 || inverse[a] >= rows)
      return context.fail(SARTOR_BAD_INDEX, "%s: inverse[%lld] is %d, must be -1 or in [0, %lld)", op, (long long)a,
                          inverse[a], (long long)rows);
  return SARTOR_OK;
}

/* Grouped rows that belong to an expert. */
[[maybe_unused]] static int64_t kept_rows(const int32_t *inverse, int64_t assignments) {
  int64_t kept = 0;
  for (int64_t a = 0; a < assignments; ++a) kept += inverse[a] >= 0;
  return kept;
}

[[maybe_unused]] static void zero_unused_rows(void *y, int64_t kept, int64_t rows, int64_t row_bytes) {
  if (kept < rows) memset((char *)y + kept * row_bytes, 0, (size_t)((rows - kept) * row_bytes));
}

constexpr int64_t summed_columns = 512; /* of a row at a time: their sums stay in the first-level cache */

/* out[t] (+)= sum over j of weights[t, j] * y[inverse[t, j]], in the order of j; weights null: 1. */
template <class T, class Y>
static void sum_rows(Context &context, const Y *y, const float *weights, const int32_t *inverse, int64_t rows, int64_t top_k,
                     int64_t width, T *out, bool add) {
  context.parallel(rows, [&](int64_t first, int64_t last, int) {
    float sums[summed_columns];
    for (int64_t t = first; t < last; ++t) {
      for (int64_t c = 0; c < width; c += summed_columns) {
        const int64_t columns = minimum(summed_columns, width - c);
        T *to = out + t * width + c;
        each_vector(columns, [&](int64_t i, auto n) { store(sums + i, add ? load(to + i, n) : vf{}, n); });
        for (int64_t a = t * top_k; a < (t + 1) * top_k; ++a) {
          if (inverse[a] < 0) continue;
          const Y *from = y + inverse[a] * width + c;
          const vf weight = splat(weights ? weights[a] : 1.0f);
          each_vector(columns, [&](int64_t i, auto n) { store(sums + i, fma(load(from + i, n), weight, load(sums + i, n)), n); });
        }
        each_vector(columns, [&](int64_t i, auto n) { store(to + i, load(sums + i, n), n); });
      }
    }
  });
}

}  // namespace sartor::SARTOR_ISA

#endif
