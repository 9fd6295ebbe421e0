/* AdamW (Loshchilov and Hutter 2019) in PyTorch's order, and gradient clipping by norm. */
#include "ops/optimizer.h"

namespace sartor::SARTOR_ISA {

int32_t clip(Context &context, const sartor_clip &op) {
  SARTOR_REQUIRE_POINTER("clip", op.sum_squares);
  SARTOR_REQUIRE_POINTER("clip", op.norm);
  SARTOR_REQUIRE_POINTER("clip", op.coefficient);
  double norm = __builtin_sqrt(*op.sum_squares);
  double coefficient = op.max_norm > 0 ? op.max_norm / (norm + 1e-6) : 1.0;
  *op.norm = (float)norm;
  *op.coefficient = coefficient > 1 ? 1.0f : (float)coefficient; /* a NaN stays to be seen */
  return SARTOR_OK;
}

int32_t adamw(Context &context, const sartor_adamw &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("adamw", op.count);
  SARTOR_TRY(check_schedule(context, "adamw", op.schedule));
  SARTOR_TRY(check_betas(context, "adamw", op.beta1, op.beta2));
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("adamw", op.parameter);
  SARTOR_REQUIRE_POINTER("adamw", op.gradient);
  SARTOR_REQUIRE_POINTER("adamw", op.m);
  SARTOR_REQUIRE_POINTER("adamw", op.v);
  const AdamWStep step(op);
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      vf p = load(op.parameter + i, n), m = load(op.m + i, n), v = load(op.v + i, n);
      step.take(load(op.gradient + i, n), p, m, v);
      store(op.m + i, m, n);
      store(op.v + i, v, n);
      store(op.parameter + i, p, n);
    });
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
