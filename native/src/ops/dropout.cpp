/* Inverted dropout from the counter-based stream; the same op is its own gradient. */
#include "common.h"

#include "../philox.h"

namespace sartor::SARTOR_ISA {

int32_t dropout(Context &context, const sartor_dropout &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("dropout", op.count);
  SARTOR_REQUIRE(op.probability >= 0 && op.probability < 1, "dropout: probability is %g, must be in [0, 1)",
                 (double)op.probability);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("dropout", op.x);
  SARTOR_REQUIRE_POINTER("dropout", op.y);
  SARTOR_REQUIRE_POINTER("dropout", op.rng);
  return for_activation_dtype(context, "dropout", op.dtype, [&](auto type) {
    using T = decltype(type);
    const T *x = (const T *)op.x;
    T *y = (T *)op.y;
    parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
      float scales[256];
      for (int64_t i = first; i < last; i += 256) {
        int64_t count = last - i < 256 ? last - i : 256;
        dropout_scales(scales, i, count, op.rng->seed, op.rng->step, op.site, op.probability);
        each_vector(count, [&](int64_t j, auto n) {
          /* A dropped element is 0 even where x is infinite or NaN. */
          vf scale = load(scales + j, n);
          vf r = select(scale == splat(0.0f), vf{}, load(x + i + j, n) * scale);
          if (op.accumulate) r += load(y + i + j, n);
          store(y + i + j, r, n);
        });
      }
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
