/* Finds the first element that is NaN or infinite. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int64_t check_finite_scratch(int, const sartor_check_finite &op) {
  return ceil_div(op.count, flat_grain) * (int64_t)sizeof(int64_t);
}

int32_t check_finite(Context &context, const sartor_check_finite &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("check_finite", op.count);
  SARTOR_REQUIRE(op.x || op.count == 0, "check_finite: x is null");
  SARTOR_REQUIRE_POINTER("check_finite", op.found);
  return for_float_dtype(context, "check_finite", op.dtype, [&](auto type) {
    using T = decltype(type);
    const T *x = (const T *)op.x;
    int64_t *found = (int64_t *)context.scratch; /* of each chunk, or -1 */
    parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
      for (int64_t chunk = first; chunk < last; chunk += flat_grain) {
        int64_t end = chunk + flat_grain < last ? chunk + flat_grain : last;
        int64_t at = -1;
        for (int64_t i = chunk; i < end && at < 0; i += lanes) {
          int n = end - i < lanes ? (int)(end - i) : lanes;
          vf v = n == lanes ? load(x + i) : load(x + i, n);
          float difference = sum(v - v); /* 0, or NaN where a lane is not finite */
          if (difference == 0.0f) continue;
          for (int l = 0; l < n && at < 0; l++)
            if (v[l] - v[l] != 0.0f) at = i + l;
        }
        found[chunk / flat_grain] = at;
      }
    });
    *op.found = -1;
    for (int64_t i = 0; i < ceil_div(op.count, flat_grain) && *op.found < 0; i++) *op.found = found[i];
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
