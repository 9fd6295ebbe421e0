/* finish.h: what is done to a tile's finished sums: bias, soft cap, addition, storing. */
#ifndef SARTOR_GEMM_FINISH_H
#define SARTOR_GEMM_FINISH_H

#include "gemm/gemm.h"

namespace sartor::SARTOR_ISA {

/* change(sums, row, column, n): a vector of sums for C[row, column ...], `n` lanes of it; the
 * result goes to y [rows, stride]. */
template <class T, class Change>
SARTOR_INLINE void store_tile(const Tile &tile, T *y, int64_t stride, Change &&change) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    const float *sums = tile.data + r * panel_width;
    const int64_t row = tile.row + r;
    T *to = y + row * stride + tile.column;
    each_vector(tile.columns, [&](int64_t i, auto n) {
      store(to + i, change(load(sums + i), row, tile.column + i, n), n);
    });
  }
}

/* The part of a tile that lies in columns [first, first + count) of C, as a tile of those; perhaps empty. */
[[maybe_unused]] static Tile columns_of(const Tile &tile, int64_t first, int64_t count) {
  const int64_t begin = maximum(tile.column, first), end = minimum(tile.column + tile.columns, first + count);
  return {tile.data + (begin - tile.column), tile.row, tile.rows, begin - first, end - begin};
}

/* The same of rows. */
[[maybe_unused]] static Tile rows_of(const Tile &tile, int64_t first, int64_t count) {
  const int64_t begin = maximum(tile.row, first), end = minimum(tile.row + tile.rows, first + count);
  return {tile.data + (begin - tile.row) * panel_width, begin - first, end - begin, tile.column, tile.columns};
}

/* softcap * tanh(v / softcap), Gemma's bound on logits; none where softcap is 0 */
SARTOR_INLINE vf soft_capped(vf v, float softcap) {
  return softcap > 0.0f ? splat(softcap) * tanh(v * splat(1.0f / softcap)) : v;
}

/* y = softcapped(sums + bias): logits */
[[maybe_unused]] static void store_logits(const Tile &tile, float *y, int64_t stride, const float *bias,
                                          float softcap) {
  store_tile(tile, y, stride, [&](vf v, int64_t, int64_t column, auto n) {
    return soft_capped(bias ? v + load(bias + column, n) : v, softcap);
  });
}

/* y = sums + bias */
template <class T>
static void store_with_bias(const Tile &tile, T *y, int64_t stride, const float *bias) {
  if (bias)
    store_tile(tile, y, stride, [&](vf v, int64_t, int64_t column, auto n) { return v + load(bias + column, n); });
  else
    store_tile(tile, y, stride, [&](vf v, int64_t, int64_t, auto) { return v; });
}

/* y += sums */
template <class T>
static void add_tile(const Tile &tile, T *y, int64_t stride) {
  store_tile(tile, y, stride,
             [&](vf v, int64_t row, int64_t column, auto n) { return v + load(y + row * stride + column, n); });
}

/* Calls body with a null pointer of the activations' type. */
template <class Body>
SARTOR_INLINE void with_dtype(int32_t dtype, Body &&body) {
  if (dtype == SARTOR_FLOAT32)
    body((float *)nullptr);
  else
    body((bfloat16 *)nullptr);
}

}  // namespace sartor::SARTOR_ISA

#endif
