/* packed.h: how a packed weight lies in memory, the same for every instruction set.
 *
 * A weight W [rows, columns] is cut into panels of 64 rows (the n of y = x W^T).
 *   float32:  [panel][column][64]            element (row, column) at one float
 *   bfloat16: [panel][column / 2][64][2]     two neighbouring columns side by side, as the
 *                                            two-element dot product instructions want them
 * Rows beyond `rows`, and the odd column's missing neighbour, are zero. */
#ifndef SARTOR_GEMM_PACKED_H
#define SARTOR_GEMM_PACKED_H

#include "kernel.h"

namespace sartor::SARTOR_ISA {

static constexpr int64_t panel_width = 64;

/* Elements from one panel to the next. */
static inline constexpr int64_t panel_elements(int64_t columns, int32_t dtype) {
  return panel_width * (dtype == SARTOR_BFLOAT16 ? round_up(columns, 2) : columns);
}

static inline constexpr int64_t packed_bytes(int64_t rows, int64_t columns, int32_t dtype) {
  if (rows < 0 || columns < 0 || (dtype != SARTOR_FLOAT32 && dtype != SARTOR_BFLOAT16)) return -1;
  return ceil_div(rows, panel_width) * panel_elements(columns, dtype) * (dtype == SARTOR_BFLOAT16 ? 2 : 4);
}

/* Index of element (row, column) of a packed weight. */
static inline constexpr int64_t packed_index(int64_t row, int64_t column, int64_t columns, int32_t dtype) {
  int64_t panel = row / panel_width * panel_elements(columns, dtype);
  int64_t lane = row % panel_width;
  if (dtype == SARTOR_BFLOAT16) return panel + (column / 2 * panel_width + lane) * 2 + column % 2;
  return panel + column * panel_width + lane;
}

}  // namespace sartor::SARTOR_ISA

#endif
