/* Root mean square normalization (Zhang and Sennrich 2019) and its gradient. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t rms_norm(Context &context, const sartor_rms_norm &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("rms_norm", op.rows);
  SARTOR_REQUIRE_POSITIVE("rms_norm", op.width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("rms_norm", op.x);
  SARTOR_REQUIRE_POINTER("rms_norm", op.weight);
  SARTOR_REQUIRE_POINTER("rms_norm", op.y);
  SARTOR_REQUIRE(!op.residual == !op.sum, "rms_norm: residual and sum go together, one is null");
  SARTOR_REQUIRE_POINTER("rms_norm", op.inverse_rms);
  return for_activation_dtype(context, "rms_norm", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t t = first; t < last; t++) {
        const T *x = normalized_row<T>(op, t);
        T *y = (T *)op.y + t * op.width;
        float squares = sum_over(op.width, [&](int64_t i, auto n) {
          vf v = load(x + i, n);
          return v * v;
        });
        float inverse = 1.0f / __builtin_sqrtf(squares / (float)op.width + op.epsilon);
        op.inverse_rms[t] = inverse;
        each_vector(op.width, [&](int64_t i, auto n) {
          store(y + i, load(x + i, n) * splat(inverse) * load(op.weight + i, n), n);
        });
      }
    });
    return SARTOR_OK;
  });
}

int64_t rms_norm_backward_scratch(int, const sartor_rms_norm_backward &op) {
  return op.d_weight ? RowChunks(op.rows).count * op.width * (int64_t)sizeof(float) : 0;
}

int32_t rms_norm_backward(Context &context, const sartor_rms_norm_backward &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("rms_norm_backward", op.rows);
  SARTOR_REQUIRE_POSITIVE("rms_norm_backward", op.width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("rms_norm_backward", op.dy);
  SARTOR_REQUIRE_POINTER("rms_norm_backward", op.x);
  SARTOR_REQUIRE_POINTER("rms_norm_backward", op.weight);
  SARTOR_REQUIRE_POINTER("rms_norm_backward", op.inverse_rms);
  return for_activation_dtype(context, "rms_norm_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    RowChunks chunks(op.rows);
    float *partials = (float *)context.scratch;
    context.parallel(chunks.count, [&](int64_t first, int64_t last, int) {
      for (int64_t chunk = first; chunk < last; chunk++) {
        float *d_weight = op.d_weight ? partials + chunk * op.width : nullptr;
        if (d_weight) memset(d_weight, 0, sizeof(float) * (size_t)op.width);
        for (int64_t t = chunks.first(chunk); t < chunks.last(chunk); t++) {
          const T *dy = (const T *)op.dy + t * op.width;
          const T *x = (const T *)op.x + t * op.width;
          const T *d_sum = op.d_sum ? (const T *)op.d_sum + t * op.width : nullptr;
          vf inverse = splat(op.inverse_rms[t]);
          if (d_weight)
            each_vector(op.width, [&](int64_t i, auto n) {
              store(d_weight + i, fma(load(dy + i, n), load(x + i, n) * inverse, load(d_weight + i, n)), n);
            });
          if (!op.dx) continue;
          /* dx = inverse * (g - normalized * mean(g * normalized)), g = dy * weight */
          T *dx = (T *)op.dx + t * op.width;
          float product = sum_over(op.width, [&](int64_t i, auto n) {
            return load(dy + i, n) * load(op.weight + i, n) * load(x + i, n);
          });
          float r = op.inverse_rms[t];
          vf slope = splat(product * r * r / (float)op.width);
          each_vector(op.width, [&](int64_t i, auto n) {
            vf g = load(dy + i, n) * load(op.weight + i, n);
            vf d = (g - load(x + i, n) * slope) * inverse;
            if (d_sum) d += load(d_sum + i, n);
            if (op.accumulate) d += load(dx + i, n);
            store(dx + i, d, n);
          });
        }
      }
    });
    if (op.d_weight) reduce_partials(context, op.d_weight, partials, chunks.count, op.width, op.width, true);
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
