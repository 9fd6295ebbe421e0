/* The weighted sum of a token's rows among the experts', and its gradients. */
#include "ops/experts.h"

namespace sartor::SARTOR_ISA {

namespace {

template <class Combine>
int32_t check_combine(Context &context, const char *op, const Combine &c) {
  SARTOR_REQUIRE(c.rows >= 0 && c.width >= 1 && c.top_k >= 1, "%s: [%lld, %lld] with top_k %d: sizes must be positive", op,
                 (long long)c.rows, (long long)c.width, c.top_k);
  return check_inverse(context, op, c.inverse, c.rows * c.top_k, c.rows * c.top_k);
}

} // namespace

int32_t combine(Context &context, const sartor_combine &op) {
  SARTOR_TRY(check_combine(context, "combine", op));
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("combine", op.y);
  SARTOR_REQUIRE_POINTER("combine", op.out);
  return for_activation_dtype(context, "combine", op.dtype, [&](auto type) {
    using T = decltype(type);
    sum_rows<T>(context, (const T *)op.y, op.weights, op.inverse, op.rows, op.top_k, op.width, (T *)op.out, false);
    return SARTOR_OK;
  });
}

int32_t combine_backward(Context &context, const sartor_combine_backward &op) {
  SARTOR_TRY(check_combine(context, "combine_backward", op));
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("combine_backward", op.d_out);
  SARTOR_REQUIRE(op.y || !op.d_weights, "combine_backward: y is null, but d_weights needs it");
  return for_activation_dtype(context, "combine_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t a = first * op.top_k; a < last * op.top_k; ++a) {
        const int64_t row = op.inverse[a];
        if (row < 0) {
          if (op.d_weights) op.d_weights[a] = 0.0f;
          continue;
        }
        const T *d_out = (const T *)op.d_out + a / op.top_k * op.width;
        if (op.d_weights) {
          const T *y = (const T *)op.y + row * op.width;
          op.d_weights[a] = sum_over(op.width, [&](int64_t i, auto n) { return load(d_out + i, n) * load(y + i, n); });
        }
        if (op.dy) {
          T *dy = (T *)op.dy + row * op.width;
          const vf weight = splat(op.weights ? op.weights[a] : 1.0f);
          each_vector(op.width, [&](int64_t i, auto n) { store(dy + i, load(d_out + i, n) * weight, n); });
        }
      }
    });
    if (op.dy) zero_unused_rows(op.dy, kept_rows(op.inverse, op.rows * op.top_k), op.rows * op.top_k, op.width * sizeof(T));
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
