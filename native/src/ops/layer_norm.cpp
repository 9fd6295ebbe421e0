/* Layer normalization (Ba et al. 2016), biased variance, and its gradient. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t layer_norm(Context &context, const sartor_layer_norm &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("layer_norm", op.rows);
  SARTOR_REQUIRE_POSITIVE("layer_norm", op.width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("layer_norm", op.x);
  SARTOR_REQUIRE_POINTER("layer_norm", op.weight);
  SARTOR_REQUIRE_POINTER("layer_norm", op.y);
  SARTOR_REQUIRE(!op.residual == !op.sum, "layer_norm: residual and sum go together, one is null");
  SARTOR_REQUIRE_POINTER("layer_norm", op.mean);
  SARTOR_REQUIRE_POINTER("layer_norm", op.inverse_std);
  return for_activation_dtype(context, "layer_norm", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t t = first; t < last; t++) {
        const T *x = normalized_row<T>(op, t);
        T *y = (T *)op.y + t * op.width;
        float mean = sum_over(op.width, [&](int64_t i, auto n) { return load(x + i, n); }) / (float)op.width;
        float squares = sum_over(op.width, [&](int64_t i, auto n) {
          vf v = keep(load(x + i, n) - splat(mean), n, 0.0f);
          return v * v;
        });
        float inverse = 1.0f / __builtin_sqrtf(squares / (float)op.width + op.epsilon);
        op.mean[t] = mean;
        op.inverse_std[t] = inverse;
        each_vector(op.width, [&](int64_t i, auto n) {
          vf r = (load(x + i, n) - splat(mean)) * splat(inverse) * load(op.weight + i, n);
          if (op.bias) r += load(op.bias + i, n);
          store(y + i, r, n);
        });
      }
    });
    return SARTOR_OK;
  });
}

namespace {
struct LayerNormScratch {
  float *d_weight, *d_bias; /* [chunks, width] */
  LayerNormScratch(Scratch &scratch, const sartor_layer_norm_backward &op) {
    int64_t size = RowChunks(op.rows).count * op.width;
    d_weight = scratch.take<float>(op.d_weight ? size : 0);
    d_bias = scratch.take<float>(op.d_bias ? size : 0);
  }
};
} // namespace

int64_t layer_norm_backward_scratch(int, const sartor_layer_norm_backward &op) {
  Scratch scratch{nullptr};
  LayerNormScratch layout(scratch, op);
  return scratch.used;
}

int32_t layer_norm_backward(Context &context, const sartor_layer_norm_backward &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("layer_norm_backward", op.rows);
  SARTOR_REQUIRE_POSITIVE("layer_norm_backward", op.width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("layer_norm_backward", op.dy);
  SARTOR_REQUIRE_POINTER("layer_norm_backward", op.x);
  SARTOR_REQUIRE_POINTER("layer_norm_backward", op.weight);
  SARTOR_REQUIRE_POINTER("layer_norm_backward", op.mean);
  SARTOR_REQUIRE_POINTER("layer_norm_backward", op.inverse_std);
  return for_activation_dtype(context, "layer_norm_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    Scratch scratch{context.scratch};
    LayerNormScratch partial(scratch, op);
    RowChunks chunks(op.rows);
    context.parallel(chunks.count, [&](int64_t first, int64_t last, int) {
      for (int64_t chunk = first; chunk < last; chunk++) {
        float *d_weight = op.d_weight ? partial.d_weight + chunk * op.width : nullptr;
        float *d_bias = op.d_bias ? partial.d_bias + chunk * op.width : nullptr;
        if (d_weight) memset(d_weight, 0, sizeof(float) * (size_t)op.width);
        if (d_bias) memset(d_bias, 0, sizeof(float) * (size_t)op.width);
        for (int64_t t = chunks.first(chunk); t < chunks.last(chunk); t++) {
          const T *dy = (const T *)op.dy + t * op.width;
          const T *x = (const T *)op.x + t * op.width;
          const T *d_sum = op.d_sum ? (const T *)op.d_sum + t * op.width : nullptr;
          vf mean = splat(op.mean[t]), inverse = splat(op.inverse_std[t]);
          if (d_weight || d_bias)
            each_vector(op.width, [&](int64_t i, auto n) {
              vf g = load(dy + i, n);
              if (d_weight)
                store(d_weight + i, fma(g, (load(x + i, n) - mean) * inverse, load(d_weight + i, n)), n);
              if (d_bias) store(d_bias + i, g + load(d_bias + i, n), n);
            });
          if (!op.dx) continue;
          /* dx = inverse * (g - mean(g) - normalized * mean(g * normalized)), g = dy * weight */
          T *dx = (T *)op.dx + t * op.width;
          float g_sum = sum_over(op.width, [&](int64_t i, auto n) {
            return load(dy + i, n) * load(op.weight + i, n);
          });
          float product = sum_over(op.width, [&](int64_t i, auto n) {
            return load(dy + i, n) * load(op.weight + i, n) * (load(x + i, n) - mean);
          });
          float r = op.inverse_std[t];
          vf g_mean = splat(g_sum / (float)op.width), slope = splat(product * r * r / (float)op.width);
          each_vector(op.width, [&](int64_t i, auto n) {
            vf g = load(dy + i, n) * load(op.weight + i, n);
            vf d = (g - g_mean - (load(x + i, n) - mean) * slope) * inverse;
            if (d_sum) d += load(d_sum + i, n);
            if (op.accumulate) d += load(dx + i, n);
            store(dx + i, d, n);
          });
        }
      }
    });
    if (op.d_weight)
      reduce_partials(context, op.d_weight, partial.d_weight, chunks.count, op.width, op.width, true);
    if (op.d_bias) reduce_partials(context, op.d_bias, partial.d_bias, chunks.count, op.width, op.width, true);
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
