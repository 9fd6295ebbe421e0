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

/* Where the projections' ranks lie side by side in one matrix: each begins at an even column, so that
 * it can be a left operand in pairs of bfloat16; an odd rank is followed by a column of zeros. */
struct Ranks {
  int64_t first[SARTOR_MAX_PROJECTIONS];
  int64_t total = 0;

  template <class Arguments>
  explicit Ranks(const Arguments &a) {
    for (int i = 0; i < a.projection_count; ++i) {
      first[i] = total;
      total += left_stride(a.projections[i].rank);
    }
  }
};

/* One projection's columns [rows, rank] of an intermediate in the compute dtype, and the column of zeros. */
template <class T>
static void store_scaled(const Tile &tile, T *copy, int64_t stride, int64_t rank, float scaling) {
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

template <class Arguments>
static bool has_projections(const Arguments &a) {
  return a.projection_count >= 1 && a.projection_count <= SARTOR_MAX_PROJECTIONS;
}

/* What both directions ask of their projections. */
template <class Arguments>
static int32_t check_projections(Context &context, const char *op, const Arguments &a) {
  SARTOR_REQUIRE(has_projections(a), "%s: projection_count is %d, must be 1 to %d", op, a.projection_count, SARTOR_MAX_PROJECTIONS);
  SARTOR_REQUIRE(is_activation_dtype(a.dtype), "%s: dtype %d", op, a.dtype);
  SARTOR_REQUIRE(a.rows >= 0, "%s: rows is %lld", op, (long long)a.rows);
  SARTOR_REQUIRE(a.projection_count == 1 || a.dropout == 0.0f, "%s: dropout is %g with %d projections, must be 0", op,
                 (double)a.dropout, a.projection_count);
  const int64_t in = a.projections[0].weight.columns;
  for (int i = 0; i < a.projection_count; ++i) {
    const auto &p = a.projections[i];
    SARTOR_TRY(check_weight(context, op, p.weight));
    SARTOR_TRY(check_adapter(context, op, p.rank, p.lora_a, p.lora_b, a.dropout, a.rng));
    SARTOR_REQUIRE(p.weight.columns == in, "%s: projections[%d] has %lld columns, the first %lld", op, i,
                   (long long)p.weight.columns, (long long)in);
  }
  return SARTOR_OK;
}

/* body(projection, its columns of the tile) for each projection that has columns there. */
template <class Arguments, class Body>
SARTOR_INLINE void each_rank(const Arguments &a, const Ranks &ranks, const Tile &tile, Body &&body) {
  for (int i = 0; i < a.projection_count; ++i) {
    const Tile part = columns_of(tile, ranks.first[i], a.projections[i].rank);
    if (part.columns > 0) body(i, part);
  }
}

/* d_bias += column sums of dy: sums of 128 rows, then the sum of those. */
template <class T>
static void add_column_sums(Context &context, const T *dy, int64_t rows, int64_t width, float *d_bias) {
  constexpr int64_t row_group = 128;
  context.parallel(ceil_div(width, lanes), [&](int64_t first, int64_t last, int) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t column = block * lanes;
      const int n = (int)minimum<int64_t>(lanes, width - column);
      vf total = splat(0.0f);
      for (int64_t row = 0; row < rows; row += row_group) {
        vf part = splat(0.0f);
        for (int64_t r = row; r < minimum(row + row_group, rows); ++r) part += load(dy + r * width + column, n);
        total += part;
      }
      store(d_bias + column, load(d_bias + column, n) + total, n);
    }
  });
}

}  // namespace sartor::SARTOR_ISA

#endif
