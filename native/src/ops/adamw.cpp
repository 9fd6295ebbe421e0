/* AdamW (Loshchilov and Hutter 2019) in PyTorch's order, and gradient clipping by norm. */
#include <math.h>

#include "common.h"

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
  SARTOR_REQUIRE_POINTER("adamw", op.schedule);
  SARTOR_REQUIRE(op.schedule->step >= 1, "adamw: schedule->step is %d, counts from 1", op.schedule->step);
  SARTOR_REQUIRE(op.beta1 >= 0 && op.beta1 < 1 && op.beta2 >= 0 && op.beta2 < 1,
                 "adamw: beta1 is %g and beta2 %g, must be in [0, 1)", (double)op.beta1, (double)op.beta2);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("adamw", op.parameter);
  SARTOR_REQUIRE_POINTER("adamw", op.gradient);
  SARTOR_REQUIRE_POINTER("adamw", op.m);
  SARTOR_REQUIRE_POINTER("adamw", op.v);
  double learning_rate = op.schedule->learning_rate;
  double correction1 = 1 - ::pow((double)op.beta1, op.schedule->step);
  double correction2 = 1 - ::pow((double)op.beta2, op.schedule->step);
  vf decay = splat((float)(1 - learning_rate * op.weight_decay));
  vf step_size = splat((float)(learning_rate / correction1));
  vf root_correction = splat((float)__builtin_sqrt(correction2));
  vf epsilon = splat(op.epsilon);
  vf rate1 = splat((float)(1 - (double)op.beta1)), rate2 = splat((float)(1 - (double)op.beta2));
  vf beta2 = splat(op.beta2);
  vf scale = splat(op.gradient_scale ? *op.gradient_scale : 1.0f);
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      vf g = load(op.gradient + i, n) * scale;
      vf p = load(op.parameter + i, n) * decay;
      vf m = load(op.m + i, n);
      m = fma(g - m, rate1, m);
      vf v = fma(g * g, rate2, load(op.v + i, n) * beta2);
      vf denominator = sqrt(v) / root_correction + epsilon;
      store(op.m + i, m, n);
      store(op.v + i, v, n);
      store(op.parameter + i, p - step_size * (m / denominator), n);
    });
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
