/* Sets bytes to zero. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t zero(Context &context, const sartor_zero &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("zero", op.bytes);
  if (op.bytes == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("zero", op.y);
  constexpr int64_t grain = 1 << 16;
  context.parallel(ceil_div(op.bytes, grain), [&](int64_t first, int64_t last, int) {
    int64_t end = last * grain < op.bytes ? last * grain : op.bytes;
    memset((char *)op.y + first * grain, 0, (size_t)(end - first * grain));
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
