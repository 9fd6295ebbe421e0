/* checks.h: what every op asks of its arguments. */
#ifndef SARTOR_OPS_CHECKS_H
#define SARTOR_OPS_CHECKS_H

#include "kernel.h"

/* Leaves the kernel with SARTOR_BAD_ARGUMENT and the message where the condition does not hold. */
#define SARTOR_REQUIRE(context, condition, ...) \
  do {                                          \
    if (!(condition)) return (context).fail(SARTOR_BAD_ARGUMENT, __VA_ARGS__); \
  } while (0)

/* Runs a check that itself returns a status. */
#define SARTOR_TRY(status)                       \
  do {                                           \
    if (int32_t tried = (status)) return tried;  \
  } while (0)

namespace sartor::SARTOR_ISA {

static inline bool is_activation_dtype(int32_t dtype) { return dtype == SARTOR_FLOAT32 || dtype == SARTOR_BFLOAT16; }
static inline bool is_float_dtype(int32_t dtype) { return is_activation_dtype(dtype) || dtype == SARTOR_FLOAT16; }

[[maybe_unused]] static int32_t check_weight(Context &context, const char *op, const sartor_weight &w) {
  SARTOR_REQUIRE(context, w.rows >= 0 && w.columns >= 0, "%s: weight is [%lld, %lld]: sizes must not be negative", op,
                 (long long)w.rows, (long long)w.columns);
  SARTOR_REQUIRE(context, w.data != nullptr, "%s: weight.data is null", op);
  SARTOR_REQUIRE(context, w.layout == SARTOR_ROW_MAJOR || w.layout == SARTOR_PACKED, "%s: unknown weight layout %d", op,
                 w.layout);
  SARTOR_REQUIRE(context, w.layout == SARTOR_PACKED ? is_activation_dtype(w.dtype) : is_float_dtype(w.dtype),
                 "%s: weight dtype %d cannot be %s", op, w.dtype, w.layout == SARTOR_PACKED ? "packed" : "a weight's");
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA

#endif
