/* Muon (Jordan et al. 2024): momentum and update; the products between them are matmul's. */
#include "ops/optimizer.h"
#include "ops/sum.h"

namespace sartor::SARTOR_ISA {

int64_t muon_momentum_scratch(int, const sartor_muon_momentum &op) {
  return partial_sums(op.count) * (int64_t)sizeof(double);
}

int32_t muon_momentum(Context &context, const sartor_muon_momentum &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("muon_momentum", op.count);
  SARTOR_REQUIRE(op.momentum >= 0 && op.momentum < 1, "muon_momentum: momentum is %g, must be in [0, 1)",
                 (double)op.momentum);
  SARTOR_REQUIRE(op.epsilon > 0, "muon_momentum: epsilon is %g, must be positive", (double)op.epsilon);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("muon_momentum", op.gradient);
  SARTOR_REQUIRE_POINTER("muon_momentum", op.buffer);
  SARTOR_REQUIRE_POINTER("muon_momentum", op.direction);
  const vf scale = splat(scale_of(op.gradient_scale)), momentum = splat(op.momentum);
  const vf rate = splat((float)(1 - (double)op.momentum));
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      vf g = load(op.gradient + i, n) * scale, buffer = load(op.buffer + i, n);
      buffer = fma(g - buffer, rate, buffer);
      store(op.buffer + i, buffer, n);
      store(op.direction + i, op.nesterov ? fma(buffer - g, momentum, g) : buffer, n);
    });
  });
  const float *direction = op.direction;
  double norm = __builtin_sqrt(total(context, (double *)context.scratch, op.count,
                                     [&](int64_t i) { return (double)direction[i] * direction[i]; }));
  const vf inverse = splat((float)(1 / maximum(norm, (double)op.epsilon)));
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      store(op.direction + first + j, load(op.direction + first + j, n) * inverse, n);
    });
  });
  return SARTOR_OK;
}

int32_t muon_update(Context &context, const sartor_muon_update &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("muon_update", op.count);
  SARTOR_TRY(check_schedule(context, "muon_update", op.schedule));
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("muon_update", op.parameter);
  SARTOR_REQUIRE_POINTER("muon_update", op.direction);
  const double learning_rate = op.schedule->learning_rate;
  const vf decay = splat((float)(1 - learning_rate * op.weight_decay));
  const vf rate = splat((float)(-learning_rate * op.ratio));
  parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      store(op.parameter + i, fma(load(op.direction + i, n), rate, load(op.parameter + i, n) * decay), n);
    });
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
