/* optimizer.h: what the optimizers' steps share. */
#ifndef SARTOR_OPS_OPTIMIZER_H
#define SARTOR_OPS_OPTIMIZER_H

#include "ops/checks.h"

namespace sartor::SARTOR_ISA {

[[maybe_unused]] static int32_t check_schedule(Context &context, const char *op, const sartor_schedule *schedule) {
  SARTOR_REQUIRE(schedule != nullptr, "%s: schedule is null", op);
  SARTOR_REQUIRE(schedule->step >= 1, "%s: schedule->step is %d, counts from 1", op, schedule->step);
  return SARTOR_OK;
}

[[maybe_unused]] static int32_t check_betas(Context &context, const char *op, float beta1, float beta2) {
  SARTOR_REQUIRE(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "%s: beta1 is %g and beta2 %g, must be in [0, 1)",
                 op, (double)beta1, (double)beta2);
  return SARTOR_OK;
}

static inline float scale_of(const float *gradient_scale) { return gradient_scale ? *gradient_scale : 1.0f; }

/* AdamW's numbers of one step, each in all lanes. */
struct AdamWStep {
  vf decay, step_size, root_correction, epsilon, rate1, rate2, beta2, scale;

  template <class Op>
  explicit AdamWStep(const Op &op) {
    const double learning_rate = op.schedule->learning_rate;
    const double correction1 = 1 - __builtin_pow((double)op.beta1, op.schedule->step);
    const double correction2 = 1 - __builtin_pow((double)op.beta2, op.schedule->step);
    decay = splat((float)(1 - learning_rate * op.weight_decay));
    step_size = splat((float)(learning_rate / correction1));
    root_correction = splat((float)__builtin_sqrt(correction2));
    epsilon = splat(op.epsilon);
    rate1 = splat((float)(1 - (double)op.beta1));
    rate2 = splat((float)(1 - (double)op.beta2));
    beta2 = splat(op.beta2);
    scale = splat(scale_of(op.gradient_scale));
  }

  /* The moments and the parameter after a gradient that is not yet scaled. */
  inline __attribute__((always_inline)) void take(vf gradient, vf &parameter, vf &m, vf &v) const {
    vf g = gradient * scale;
    m = fma(g - m, rate1, m);
    v = fma(g * g, rate2, v * beta2);
    vf denominator = sqrt(v) / root_correction + epsilon;
    parameter = parameter * decay - step_size * (m / denominator);
  }
};

} // namespace sartor::SARTOR_ISA

#endif
