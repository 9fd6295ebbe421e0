/* y[t,o] = x[t,o] * scale[o] + bias[o], DoRA's last step, and its gradient. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t column_scale(Context &context, const sartor_column_scale &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("column_scale", op.rows);
  SARTOR_REQUIRE_POSITIVE("column_scale", op.width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("column_scale", op.x);
  SARTOR_REQUIRE_POINTER("column_scale", op.scale);
  SARTOR_REQUIRE_POINTER("column_scale", op.y);
  return for_activation_dtype(context, "column_scale", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t t = first; t < last; t++) {
        const T *x = (const T *)op.x + t * op.width;
        T *y = (T *)op.y + t * op.width;
        each_vector(op.width, [&](int64_t i, auto n) {
          vf r = load(x + i, n) * load(op.scale + i, n);
          if (op.bias) r += load(op.bias + i, n);
          store(y + i, r, n);
        });
      }
    });
    return SARTOR_OK;
  });
}

namespace {
struct ColumnScaleScratch {
  float *d_scale, *d_bias; /* [chunks, width] */
  ColumnScaleScratch(Scratch &scratch, const sartor_column_scale_backward &op) {
    int64_t size = RowChunks(op.rows).count * op.width;
    d_scale = scratch.take<float>(op.d_scale ? size : 0);
    d_bias = scratch.take<float>(op.d_bias ? size : 0);
  }
};
} // namespace

int64_t column_scale_backward_scratch(int, const sartor_column_scale_backward &op) {
  Scratch scratch{nullptr};
  ColumnScaleScratch layout(scratch, op);
  return scratch.used;
}

int32_t column_scale_backward(Context &context, const sartor_column_scale_backward &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("column_scale_backward", op.rows);
  SARTOR_REQUIRE_POSITIVE("column_scale_backward", op.width);
  if (op.rows > 0) {
    SARTOR_REQUIRE_POINTER("column_scale_backward", op.dy);
    SARTOR_REQUIRE(op.x || !op.d_scale, "column_scale_backward: d_scale is asked for, but x is null");
    SARTOR_REQUIRE(op.scale || !op.dx, "column_scale_backward: dx is asked for, but scale is null");
  }
  return for_activation_dtype(context, "column_scale_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    Scratch scratch{context.scratch};
    ColumnScaleScratch partial(scratch, op);
    RowChunks chunks(op.rows);
    context.parallel(chunks.count, [&](int64_t first, int64_t last, int) {
      for (int64_t chunk = first; chunk < last; chunk++) {
        float *d_scale = op.d_scale ? partial.d_scale + chunk * op.width : nullptr;
        float *d_bias = op.d_bias ? partial.d_bias + chunk * op.width : nullptr;
        if (d_scale) memset(d_scale, 0, sizeof(float) * (size_t)op.width);
        if (d_bias) memset(d_bias, 0, sizeof(float) * (size_t)op.width);
        for (int64_t t = chunks.first(chunk); t < chunks.last(chunk); t++) {
          const T *dy = (const T *)op.dy + t * op.width;
          const T *x = (const T *)op.x + t * op.width;
          T *dx = (T *)op.dx + t * op.width;
          each_vector(op.width, [&](int64_t i, auto n) {
            vf g = load(dy + i, n);
            if (d_scale) store(d_scale + i, fma(g, load(x + i, n), load(d_scale + i, n)), n);
            if (d_bias) store(d_bias + i, g + load(d_bias + i, n), n);
            if (op.dx) {
              vf r = g * load(op.scale + i, n);
              if (op.accumulate) r += load(dx + i, n);
              store(dx + i, r, n);
            }
          });
        }
      }
    });
    if (op.d_scale) reduce_partials(context, op.d_scale, partial.d_scale, chunks.count, op.width, op.width, false);
    if (op.d_bias) reduce_partials(context, op.d_bias, partial.d_bias, chunks.count, op.width, op.width, true);
    return SARTOR_OK;
  });
}

int32_t dora_scale_backward(Context &context, const sartor_dora_scale_backward &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("dora_scale_backward", op.out);
  if (op.out == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("dora_scale_backward", op.d_scale);
  SARTOR_REQUIRE_POINTER("dora_scale_backward", op.norm);
  SARTOR_REQUIRE_POINTER("dora_scale_backward", op.d_magnitude);
  parallel_flat(context, op.out, [&](int64_t first, int64_t last) {
    for (int64_t o = first; o < last; o++) op.d_magnitude[o] += op.d_scale[o] / op.norm[o];
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
