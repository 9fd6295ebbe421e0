/* lora.h: what the two directions of a linear layer with a LoRA adapter share. */
#ifndef SARTOR_OPS_LORA_H
#define SARTOR_OPS_LORA_H

#include "gemm/finish.h"
#include "gemm/gemm.h"
#include "ops/checks.h"
#include "philox.h"

namespace sartor::SARTOR_ISA {

static constexpr int64_t dropout_chunk = 256;

/* copy [rows, left_stride(width)] = dropout(x) in the type Target */
template <class Source, class Target>
static void drop_rows(Context &context, const Source *x, int64_t rows, int64_t width, const sartor_rng &rng,
                      int64_t site, float probability, Target *copy) {
  const int64_t stride = left_stride(width);
  context.parallel(rows, [&](int64_t first, int64_t last, int) {
    float scales[dropout_chunk];
    for (int64_t row = first; row < last; ++row) {
      for (int64_t c = 0; c < width; c += dropout_chunk) {
        const int64_t count = minimum(dropout_chunk, width - c);
        dropout_scales(scales, row * width + c, count, rng.seed, rng.step, site, probability);
        const Source *from = x + row * width + c;
        Target *to = copy + row * stride + c;
        each_vector(count, [&](int64_t i, auto n) { store(to + i, load(from + i, n) * load(scales + i, n), n); });
      }
      if (width % 2) store_scalar(copy + row * stride + width, 0.0f);
    }
  });
}

[[maybe_unused]] static void drop_to_compute(Context &context, const void *x, int32_t dtype, int64_t rows,
                                             int64_t width, const sartor_rng &rng, int64_t site, float probability,
                                             int32_t compute, void *copy) {
  with_dtype(dtype, [&](auto *from) {
    with_dtype(compute, [&](auto *to) {
      drop_rows(context, (const std::remove_pointer_t<decltype(from)> *)x, rows, width, rng, site, probability,
                (decltype(to))copy);
    });
  });
}

/* An intermediate [rows, rank] in the compute dtype, its padding column zero. */
template <class T>
static void store_scaled(const Tile &tile, T *copy, int64_t rank, float scaling) {
  const int64_t stride = left_stride(rank);
  store_tile(tile, copy, stride, [&](vf v, int64_t, int64_t, auto) { return v * splat(scaling); });
  if (rank % 2 && tile.column + tile.columns == rank)
    for (int64_t r = 0; r < tile.rows; ++r) store_scalar(copy + (tile.row + r) * stride + rank, 0.0f);
}

[[maybe_unused]] static int32_t check_adapter(Context &context, const char *op, int32_t rank, const float *lora_a,
                                              const float *lora_b, float dropout, const sartor_rng *rng) {
  SARTOR_REQUIRE(rank >= 0, "%s: rank is %d", op, rank);
  SARTOR_REQUIRE(rank == 0 || (lora_a && lora_b), "%s: rank is %d but lora_a or lora_b is null", op, rank);
  SARTOR_REQUIRE(dropout >= 0.0f && dropout < 1.0f, "%s: dropout is %g, expected 0 <= dropout < 1", op,
                 (double)dropout);
  SARTOR_REQUIRE(rank == 0 || dropout == 0.0f || rng, "%s: dropout is %g but rng is null", op,
                 (double)dropout);
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA

#endif
