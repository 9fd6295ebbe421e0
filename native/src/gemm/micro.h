/* micro.h: the register tiles that every matrix product runs on. */
#ifndef SARTOR_GEMM_MICRO_H
#define SARTOR_GEMM_MICRO_H

#include "gemm/operands.h"

namespace sartor::SARTOR_ISA {

/* Vectors that a register tile is wide, and its rows: what the register file holds. */
#if SARTOR_SIMD_AVX512 || SARTOR_SIMD_NEON
static constexpr int tile_vectors = 4;
#else
static constexpr int tile_vectors = 2;
#endif
static constexpr int64_t tile_width = tile_vectors * lanes;
static constexpr int full_tile_rows(int vectors) { return vectors == tile_vectors ? 6 : 8; }
static constexpr int max_tile_rows = 8;

/* One stretch of k of one segment, for one tile. */
struct Piece {
  const char *a;      /* the tile's first row */
  int64_t a_stride;   /* bytes from row to row */
  const char *b;      /* the tile's first column of the panel */
  int64_t k;          /* elements */
  int32_t panel_dtype;
};

/* tile[rows][64] = before[rows][64] (or 0) + the pieces' sum, which is made apart: many short
 * sums lose less to rounding than a long one. The order in which an element is summed depends
 * on the number of vectors only. */
using Micro = void (*)(const Piece *pieces, int count, const float *before, float *tile);

/* rows: 1, 2, 4 or full_tile_rows(vectors); vectors: 1 to tile_vectors. */
Micro find_micro(int32_t compute, int rows, int vectors);

}  // namespace sartor::SARTOR_ISA

#endif
