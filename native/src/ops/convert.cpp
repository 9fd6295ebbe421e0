/* Conversion between float32, bfloat16 and float16, rounding to nearest even. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t convert(Context &context, const sartor_convert &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("convert", op.count);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("convert", op.x);
  SARTOR_REQUIRE_POINTER("convert", op.y);
  return for_float_dtype(context, "convert", op.x_dtype, [&](auto from) {
    using X = decltype(from);
    return for_float_dtype(context, "convert", op.y_dtype, [&](auto to) {
      using Y = decltype(to);
      const X *x = (const X *)op.x;
      Y *y = (Y *)op.y;
      parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
        each_vector(last - first, [&](int64_t j, auto n) { store(y + first + j, load(x + first + j, n), n); });
      });
      return SARTOR_OK;
    });
  });
}

} // namespace sartor::SARTOR_ISA
