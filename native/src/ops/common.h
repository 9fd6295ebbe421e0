/* common.h: what the kernels under ops/ share: checks of arguments, choice of the storage type,
 * cutting of work into tasks, and sums in a fixed order. */
#ifndef SARTOR_OPS_COMMON_H
#define SARTOR_OPS_COMMON_H

#include "../kernel.h"
#include "../simd.h"

/* Fails with SARTOR_BAD_ARGUMENT and the printf-style message unless the condition holds. */
#define SARTOR_REQUIRE(condition, ...) \
  if (!(condition)) return context.fail(SARTOR_BAD_ARGUMENT, __VA_ARGS__)

#define SARTOR_REQUIRE_POINTER(op, pointer) SARTOR_REQUIRE((pointer) != nullptr, op ": " #pointer " is null")

#define SARTOR_REQUIRE_POSITIVE(op, field) \
  SARTOR_REQUIRE(field > 0, op ": " #field " is %lld, must be positive", (long long)(field))

#define SARTOR_REQUIRE_NOT_NEGATIVE(op, field) \
  SARTOR_REQUIRE(field >= 0, op ": " #field " is %lld, must not be negative", (long long)(field))

namespace sartor {
namespace SARTOR_ISA {

/* body(T{}) with T = float or bfloat16, as dtype says. */
template <class Body>
static inline int32_t for_activation_dtype(Context &context, const char *op, int32_t dtype, Body &&body) {
  if (dtype == SARTOR_FLOAT32) return body(float{});
  if (dtype == SARTOR_BFLOAT16) return body(bfloat16{});
  return context.fail(SARTOR_BAD_ARGUMENT, "%s: dtype is %d, must be float32 (0) or bfloat16 (1)", op, dtype);
}

/* body(T{}) with T = float, bfloat16 or float16. */
template <class Body>
static inline int32_t for_float_dtype(Context &context, const char *op, int32_t dtype, Body &&body) {
  if (dtype == SARTOR_FLOAT32) return body(float{});
  if (dtype == SARTOR_BFLOAT16) return body(bfloat16{});
  if (dtype == SARTOR_FLOAT16) return body(float16{});
  return context.fail(SARTOR_BAD_ARGUMENT,
                      "%s: dtype is %d, must be float32 (0), bfloat16 (1) or float16 (2)", op, dtype);
}

/* Elements that one task takes of a flat array: a multiple of every vector's length. */
constexpr int64_t flat_grain = 4096;

/* body(first, last) over [0, count) in parallel; borders are multiples of flat_grain. */
template <class Body>
static inline void parallel_flat(Context &context, int64_t count, Body &&body) {
  context.parallel(ceil_div(count, flat_grain), [&](int64_t first, int64_t last, int) {
    int64_t end = last * flat_grain;
    body(first * flat_grain, end < count ? end : count);
  });
}

/* Sum of value(i, n) over the vectors of [0, count), in four interleaved chains. value gets
 * the first element and `whole`, or for the last partial vector its number of lanes; lanes
 * past the end must be 0 (as partial loads give). */
template <class Value>
SARTOR_INLINE float sum_over(int64_t count, Value &&value) {
  vf a{}, b{}, c{}, d{};
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a += value(i, whole);
    b += value(i + lanes, whole);
    c += value(i + 2 * lanes, whole);
    d += value(i + 3 * lanes, whole);
  }
  for (; i + lanes <= count; i += lanes) a += value(i, whole);
  if (i < count) b += value(i, (int)(count - i));
  return sum((a + b) + (c + d));
}

/* Rows cut into at most 64 chunks, whose borders depend on the number of rows only, so that
 * sums over rows come in the same order for every number of threads. */
struct RowChunks {
  int64_t rows, size, count;
  explicit RowChunks(int64_t rows) : rows(rows), size(ceil_div(rows, 64)), count(0) {
    if (size < 16) size = 16;
    count = ceil_div(rows, size);
  }
  int64_t first(int64_t chunk) const { return chunk * size; }
  int64_t last(int64_t chunk) const { return (chunk + 1) * size < rows ? (chunk + 1) * size : rows; }
};

/* target[c] (+)= sum over chunks of partials[chunk * stride + c], in order. */
static inline void reduce_partials(Context &context, float *target, const float *partials, int64_t chunks,
                                   int64_t stride, int64_t width, bool add) {
  constexpr int64_t block = 256;
  context.parallel(ceil_div(width, block), [&](int64_t first, int64_t last, int) {
    int64_t begin = first * block, end = last * block < width ? last * block : width;
    each_vector(end - begin, [&](int64_t j, auto n) {
      int64_t i = begin + j;
      vf total{};
      for (int64_t chunk = 0; chunk < chunks; chunk++) total += load(partials + chunk * stride + i, n);
      if (add) total += load(target + i, n);
      store(target + i, total, n);
    });
  });
}

/* Row t of what a norm normalizes: x, or the sum with the residual, which is written first. */
template <class T, class Norm>
static const T *normalized_row(const Norm &op, int64_t t) {
  const T *x = (const T *)op.x + t * op.width;
  if (!op.residual) return x;
  const T *residual = (const T *)op.residual + t * op.width;
  T *sum = (T *)op.sum + t * op.width;
  each_vector(op.width, [&](int64_t i, auto n) { store(sum + i, load(x + i, n) + load(residual + i, n), n); });
  return sum;
}

} // namespace SARTOR_ISA
} // namespace sartor

#endif
