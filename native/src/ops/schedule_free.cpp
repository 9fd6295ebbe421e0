/* Schedule-free AdamW (Defazio et al. 2024). */
#include "ops/optimizer.h"

namespace sartor::SARTOR_ISA {

int32_t schedule_free_weight(Context &context, const sartor_schedule_free_weight &op) {
  SARTOR_TRY(check_schedule(context, "schedule_free_weight", op.schedule));
  SARTOR_REQUIRE_POINTER("schedule_free_weight", op.state);
  SARTOR_REQUIRE_POINTER("schedule_free_weight", op.weight);
  op.state[0] = maximum(op.state[0], (double)op.schedule->learning_rate);
  const double weight = __builtin_pow((double)op.schedule->step, (double)op.r) *
                        __builtin_pow(op.state[0], (double)op.weight_lr_power);
  op.state[1] += weight;
  *op.weight = op.state[1] > 0 ? (float)(weight / op.state[1]) : 0.0f;
  return SARTOR_OK;
}

int32_t schedule_free_adamw(Context &context, const sartor_schedule_free_adamw &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("schedule_free_adamw", op.count);
  SARTOR_TRY(check_schedule(context, "schedule_free_adamw", op.schedule));
  SARTOR_TRY(check_betas(context, "schedule_free_adamw", op.beta1, op.beta2));
  SARTOR_REQUIRE(op.beta1 > 0, "schedule_free_adamw: beta1 is 0, must be above: it is y's share of the average");
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("schedule_free_adamw", op.y);
  SARTOR_REQUIRE_POINTER("schedule_free_adamw", op.gradient);
  SARTOR_REQUIRE_POINTER("schedule_free_adamw", op.z);
  SARTOR_REQUIRE_POINTER("schedule_free_adamw", op.v);
  SARTOR_REQUIRE_POINTER("schedule_free_adamw", op.weight);
  const double learning_rate = op.schedule->learning_rate, newest = *op.weight;
  const double correction = 1 - __builtin_pow((double)op.beta2, op.schedule->step);
  const vf root_correction = splat((float)__builtin_sqrt(correction)), epsilon = splat(op.epsilon);
  const vf rate2 = splat((float)(1 - (double)op.beta2)), beta2 = splat(op.beta2);
  const vf decay = splat(op.weight_decay), scale = splat(scale_of(op.gradient_scale));
  const vf weight = splat(*op.weight), rate = splat((float)-learning_rate);
  const vf y_rate = splat((float)(learning_rate * ((double)op.beta1 * (1 - newest) - 1)));
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      vf g = load(op.gradient + i, n) * scale, y = load(op.y + i, n), z = load(op.z + i, n);
      vf v = fma(g * g, rate2, load(op.v + i, n) * beta2);
      vf step = fma(y, decay, g / (sqrt(v) / root_correction + epsilon));
      store(op.v + i, v, n);
      store(op.y + i, fma(step, y_rate, fma(z - y, weight, y)), n);
      store(op.z + i, fma(step, rate, z), n);
    });
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
