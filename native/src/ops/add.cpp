/* y = alpha * a + beta * b */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t add(Context &context, const sartor_add &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("add", op.count);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("add", op.a);
  SARTOR_REQUIRE_POINTER("add", op.y);
  return for_activation_dtype(context, "add", op.dtype, [&](auto type) {
    using T = decltype(type);
    const T *a = (const T *)op.a, *b = (const T *)op.b;
    T *y = (T *)op.y;
    vf alpha = splat(op.alpha), beta = splat(op.beta);
    parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
      each_vector(last - first, [&](int64_t j, auto n) {
        int64_t i = first + j;
        vf r = alpha * load(a + i, n);
        if (b) r = fma(beta, load(b + i, n), r);
        store(y + i, r, n);
      });
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
