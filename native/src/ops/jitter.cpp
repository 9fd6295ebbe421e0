/* Multiplicative noise from the counter-based stream; the same op is its own gradient. */
#include "common.h"

#include "../philox.h"

namespace sartor::SARTOR_ISA {

int32_t jitter(Context &context, const sartor_jitter &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("jitter", op.count);
  SARTOR_REQUIRE(op.noise >= 0 && op.noise < 1, "jitter: noise is %g, must be in [0, 1)", (double)op.noise);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("jitter", op.x);
  SARTOR_REQUIRE_POINTER("jitter", op.y);
  SARTOR_REQUIRE_POINTER("jitter", op.rng);
  return for_activation_dtype(context, "jitter", op.dtype, [&](auto type) {
    using T = decltype(type);
    const T *x = (const T *)op.x;
    T *y = (T *)op.y;
    const vf least = splat(1.0f - op.noise), width = splat(2.0f * op.noise);
    parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
      float factors[256];
      for (int64_t i = first; i < last; i += 256) {
        const int64_t count = last - i < 256 ? last - i : 256;
        uniform_factors(factors, i, count, op.rng->seed, op.rng->step, op.site, [&](vf uniform) { return fma(uniform, width, least); });
        each_vector(count, [&](int64_t j, auto n) {
          vf r = load(x + i + j, n) * load(factors + j, n);
          if (op.accumulate) r += load(y + i + j, n);
          store(y + i + j, r, n);
        });
      }
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
