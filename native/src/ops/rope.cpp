/* Rotary position embedding (Su et al. 2021); with `inverse` its gradient. */
#include "common.h"

namespace sartor::SARTOR_ISA {

namespace {

template <class T>
SARTOR_INLINE void put(T *y, vf value, bool accumulate, auto n) {
  if (accumulate) value += load(y, n);
  store(y, value, n);
}

/* One head: x and y may be the same memory. direction is 1, or -1 to rotate backwards. */
template <class T>
void rotate(const T *x, T *y, const float *cosine, const float *sine, float direction, const sartor_rope &op) {
  int64_t half = op.rotary_dim / 2;
  if (op.interleaved) {
    for (int64_t i = 0; i < half; i++) {
      float a = to_float(x[2 * i]), b = to_float(x[2 * i + 1]), c = cosine[i], s = direction * sine[i];
      put(y + 2 * i, splat(a * c - b * s), op.accumulate, 1);
      put(y + 2 * i + 1, splat(b * c + a * s), op.accumulate, 1);
    }
  } else {
    each_vector(half, [&](int64_t i, auto n) {
      vf a = load(x + i, n), b = load(x + half + i, n);
      vf c = load(cosine + i, n), s = load(sine + i, n) * splat(direction);
      put(y + i, fma(a, c, -(b * s)), op.accumulate, n);
      put(y + half + i, fma(b, c, a * s), op.accumulate, n);
    });
  }
  if (x != y || op.accumulate)
    each_vector(op.head_dim - op.rotary_dim, [&](int64_t i, auto n) {
      put(y + op.rotary_dim + i, load(x + op.rotary_dim + i, n), op.accumulate, n);
    });
}

} // namespace

int32_t rope(Context &context, const sartor_rope &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("rope", op.rows);
  SARTOR_REQUIRE_POSITIVE("rope", op.heads);
  SARTOR_REQUIRE_POSITIVE("rope", op.head_dim);
  SARTOR_REQUIRE(op.rotary_dim > 0 && op.rotary_dim % 2 == 0 && op.rotary_dim <= op.head_dim,
                 "rope: rotary_dim is %d, must be even and in (0, head_dim = %d]", op.rotary_dim, op.head_dim);
  int64_t width = (int64_t)op.heads * op.head_dim;
  SARTOR_REQUIRE(op.x_stride >= width && op.y_stride >= width,
                 "rope: x_stride is %lld and y_stride %lld, must be at least heads * head_dim = %lld",
                 (long long)op.x_stride, (long long)op.y_stride, (long long)width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("rope", op.x);
  SARTOR_REQUIRE_POINTER("rope", op.y);
  SARTOR_REQUIRE_POINTER("rope", op.cosine);
  SARTOR_REQUIRE_POINTER("rope", op.sine);
  SARTOR_REQUIRE_POINTER("rope", op.positions);
  for (int64_t t = 0; t < op.rows; t++)
    if (op.positions[t] < 0 || op.positions[t] >= op.position_count)
      return context.fail(SARTOR_BAD_INDEX, "rope: positions[%lld] is %d, must be in [0, %lld)", (long long)t,
                          op.positions[t], (long long)op.position_count);
  return for_activation_dtype(context, "rope", op.dtype, [&](auto type) {
    using T = decltype(type);
    int64_t half = op.rotary_dim / 2;
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t t = first; t < last; t++)
        for (int64_t h = 0; h < op.heads; h++)
          rotate((const T *)op.x + t * op.x_stride + h * op.head_dim, (T *)op.y + t * op.y_stride + h * op.head_dim,
                 op.cosine + op.positions[t] * half, op.sine + op.positions[t] * half, op.inverse ? -1.0f : 1.0f,
                 op);
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
