/* Lion (Chen et al. 2023, algorithm 2). */
#include "ops/optimizer.h"

namespace sartor::SARTOR_ISA {

int32_t lion(Context &context, const sartor_lion &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("lion", op.count);
  SARTOR_TRY(check_schedule(context, "lion", op.schedule));
  SARTOR_TRY(check_betas(context, "lion", op.beta1, op.beta2));
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("lion", op.parameter);
  SARTOR_REQUIRE_POINTER("lion", op.gradient);
  SARTOR_REQUIRE_POINTER("lion", op.m);
  const double learning_rate = op.schedule->learning_rate;
  const vf decay = splat((float)(1 - learning_rate * op.weight_decay));
  const vf rate = splat((float)learning_rate), zero{};
  const vf rate1 = splat((float)(1 - (double)op.beta1)), rate2 = splat((float)(1 - (double)op.beta2));
  const vf scale = splat(scale_of(op.gradient_scale));
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      vf g = load(op.gradient + i, n) * scale, m = load(op.m + i, n);
      vf direction = fma(g - m, rate1, m);
      vf move = select(direction == zero, zero, copy_sign(rate, direction));
      store(op.parameter + i, load(op.parameter + i, n) * decay - move, n);
      store(op.m + i, fma(g - m, rate2, m), n);
    });
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
