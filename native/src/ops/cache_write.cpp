/* Writes new keys or values into their slots of the KV cache. */
#include "common.h"

namespace sartor::SARTOR_ISA {

int32_t cache_write(Context &context, const sartor_cache_write &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("cache_write", op.batch);
  SARTOR_REQUIRE_NOT_NEGATIVE("cache_write", op.length);
  SARTOR_REQUIRE_NOT_NEGATIVE("cache_write", op.capacity);
  SARTOR_REQUIRE_POSITIVE("cache_write", op.width);
  SARTOR_REQUIRE(op.x_stride >= op.width, "cache_write: x_stride is %lld, must be at least width = %lld",
                 (long long)op.x_stride, (long long)op.width);
  if (op.batch == 0 || op.length == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("cache_write", op.x);
  SARTOR_REQUIRE_POINTER("cache_write", op.cache);
  SARTOR_REQUIRE_POINTER("cache_write", op.slots);
  for (int64_t t = 0; t < op.batch * op.length; t++)
    if (op.slots[t] >= op.capacity)
      return context.fail(SARTOR_BAD_INDEX, "cache_write: slots[%lld] is %d, must be below the capacity %lld",
                          (long long)t, op.slots[t], (long long)op.capacity);
  return for_activation_dtype(context, "cache_write", op.dtype, [&](auto type) {
    using T = decltype(type);
    /* A task takes some columns of one batch row and walks its tokens in order, so that of two
     * tokens for one slot the later always wins. */
    constexpr int64_t block = 512;
    int64_t blocks = ceil_div(op.width, block);
    context.parallel(op.batch * blocks, [&](int64_t first, int64_t last, int) {
      for (int64_t task = first; task < last; task++) {
        int64_t b = task / blocks, column = task % blocks * block;
        int64_t count = op.width - column < block ? op.width - column : block;
        for (int64_t t = 0; t < op.length; t++) {
          int64_t slot = op.slots[b * op.length + t];
          if (slot >= 0)
            memcpy((T *)op.cache + (b * op.capacity + slot) * op.width + column,
                   (const T *)op.x + (b * op.length + t) * op.x_stride + column, sizeof(T) * (size_t)count);
        }
      }
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
