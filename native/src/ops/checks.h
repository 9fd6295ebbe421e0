/* checks.h: what the ops on weight matrices ask of their arguments. */
#ifndef SARTOR_OPS_CHECKS_H
#define SARTOR_OPS_CHECKS_H

#include "ops/common.h"

/* Leaves the kernel with the status of a check that failed. */
#define SARTOR_TRY(status)                       \
  do {                                           \
    if (int32_t tried = (status)) return tried;  \
  } while (0)

namespace sartor::SARTOR_ISA {

static inline bool is_activation_dtype(int32_t dtype) { return dtype == SARTOR_FLOAT32 || dtype == SARTOR_BFLOAT16; }
static inline bool is_float_dtype(int32_t dtype) { return is_activation_dtype(dtype) || dtype == SARTOR_FLOAT16; }

[[maybe_unused]] static int32_t check_weight(Context &context, const char *op, const sartor_weight &w) {
  SARTOR_REQUIRE(w.rows >= 0 && w.columns >= 0, "%s: weight is [%lld, %lld]: sizes must not be negative", op,
                 (long long)w.rows, (long long)w.columns);
  SARTOR_REQUIRE(w.data != nullptr, "%s: weight.data is null", op);
  SARTOR_REQUIRE(w.layout == SARTOR_ROW_MAJOR || w.layout == SARTOR_PACKED, "%s: unknown weight layout %d", op,
                 w.layout);
  SARTOR_REQUIRE(w.layout == SARTOR_PACKED ? is_activation_dtype(w.dtype) : is_float_dtype(w.dtype),
                 "%s: weight dtype %d cannot be %s", op, w.dtype, w.layout == SARTOR_PACKED ? "packed" : "a weight's");
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA

#endif
