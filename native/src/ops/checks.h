/* checks.h: what the ops on weight matrices ask of their arguments. */
#ifndef SARTOR_OPS_CHECKS_H
#define SARTOR_OPS_CHECKS_H

#include "gemm/packed.h"
#include "ops/common.h"

/* Leaves the kernel with the status of a check that failed. */
#define SARTOR_TRY(status)                       \
  do {                                           \
    if (int32_t tried = (status)) return tried;  \
  } while (0)

namespace sartor::SARTOR_ISA {

static inline bool is_activation_dtype(int32_t dtype) { return dtype == SARTOR_FLOAT32 || dtype == SARTOR_BFLOAT16; }
static inline bool is_float_dtype(int32_t dtype) { return is_activation_dtype(dtype) || dtype == SARTOR_FLOAT16; }

[[maybe_unused]] static int32_t check_scales(Context &context, const char *op, const sartor_weight &w) {
  const sartor_scales &s = w.scales;
  SARTOR_REQUIRE(s.absmax != nullptr, "%s: weight.scales.absmax is null, dtype %d needs it", op, w.dtype);
  SARTOR_REQUIRE(!s.nested_absmax == !s.nested_map, "%s: nested_absmax and nested_map go together, one is null", op);
  SARTOR_REQUIRE(is_4bit(w.dtype) || !s.nested_absmax, "%s: only 4-bit weights have nested scales", op);
  SARTOR_REQUIRE(w.layout != SARTOR_PACKED || !is_4bit(w.dtype) || s.group == scale_group(w.columns),
                 "%s: group is %d, must be %lld for %lld columns", op, s.group, (long long)scale_group(w.columns),
                 (long long)w.columns);
  SARTOR_REQUIRE(s.outlier_count >= 0 && (s.outlier_count == 0 || w.dtype == SARTOR_INT8),
                 "%s: outlier_count is %lld with dtype %d", op, (long long)s.outlier_count, w.dtype);
  SARTOR_REQUIRE(s.outlier_count == 0 || (s.outliers && s.outlier_columns),
                 "%s: outliers or outlier_columns is null, outlier_count is %lld", op, (long long)s.outlier_count);
  for (int64_t i = 0; i < s.outlier_count; ++i) {
    const int64_t column = s.outlier_columns[i], least = i ? (int64_t)s.outlier_columns[i - 1] + 1 : 0;
    if (column < least || column >= w.columns)
      return context.fail(SARTOR_BAD_INDEX, "%s: outlier_columns[%lld] is %lld, must be in [%lld, %lld)", op,
                          (long long)i, (long long)column, (long long)least, (long long)w.columns);
  }
  return SARTOR_OK;
}

[[maybe_unused]] static int32_t check_weight(Context &context, const char *op, const sartor_weight &w) {
  SARTOR_REQUIRE(w.rows >= 0 && w.columns >= 0, "%s: weight is [%lld, %lld]: sizes must not be negative", op,
                 (long long)w.rows, (long long)w.columns);
  SARTOR_REQUIRE(w.data != nullptr, "%s: weight.data is null", op);
  SARTOR_REQUIRE(w.layout == SARTOR_ROW_MAJOR || w.layout == SARTOR_PACKED, "%s: unknown weight layout %d", op,
                 w.layout);
  if (is_quantized(w.dtype)) return check_scales(context, op, w);
  SARTOR_REQUIRE(w.layout == SARTOR_PACKED ? is_activation_dtype(w.dtype) : is_float_dtype(w.dtype),
                 "%s: weight dtype %d cannot be %s", op, w.dtype, w.layout == SARTOR_PACKED ? "packed" : "a weight's");
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA

#endif
