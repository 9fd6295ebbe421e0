/* packed.h: how a packed weight lies in memory, the same for every instruction set.
 *
 * A weight W [rows, columns] is cut into panels of 64 rows (the n of y = x W^T).
 *   float32:  [panel][column][64]            element (row, column) at one float
 *   bfloat16: [panel][column / 2][64][2]     two neighbouring columns side by side, as the
 *                                            two-element dot product instructions want them
 *   int8:     [panel][column / 2][64][2]     codes, in the order of bfloat16
 *   4 bit:    [panel][column / 2][16][2] words of 16 bits: nibble j (lowest first) of word (i, p)
 *             is the code of row 16 j + i of the panel, column + p
 * so that a shift and a table look-up in a vector's 32-bit lanes give 16 rows of one column, and
 * in its 16-bit lanes 16 rows of pairs. The scales of 4-bit codes lie apart, in the order
 * [panel][column / group][64]; group, the greatest divisor of 64 and columns, is how many columns
 * of a row certainly share a block of 64.
 * Rows beyond `rows`, and the odd column's missing neighbour, are zero (codes whose value is 0). */
#ifndef SARTOR_GEMM_PACKED_H
#define SARTOR_GEMM_PACKED_H

#include "kernel.h"

namespace sartor::SARTOR_ISA {

static constexpr int64_t panel_width = 64;

static inline constexpr bool is_4bit(int32_t dtype) { return dtype == SARTOR_NF4 || dtype == SARTOR_FP4; }
static inline constexpr bool is_quantized(int32_t dtype) { return is_4bit(dtype) || dtype == SARTOR_INT8; }

/* Elements from one panel to the next. */
static inline constexpr int64_t panel_elements(int64_t columns, int32_t dtype) {
  return panel_width * (dtype == SARTOR_FLOAT32 ? columns : round_up(columns, 2));
}

/* Bytes from one panel to the next. */
static inline constexpr int64_t panel_bytes(int64_t columns, int32_t dtype) {
  const int64_t elements = panel_elements(columns, dtype);
  if (is_4bit(dtype)) return elements / 2;
  return elements * (dtype == SARTOR_FLOAT32 ? 4 : dtype == SARTOR_INT8 ? 1 : 2);
}

static inline constexpr int64_t packed_bytes(int64_t rows, int64_t columns, int32_t dtype) {
  const bool packable = dtype == SARTOR_FLOAT32 || dtype == SARTOR_BFLOAT16 || is_quantized(dtype);
  if (rows < 0 || columns < 0 || !packable) return -1;
  return ceil_div(rows, panel_width) * panel_bytes(columns, dtype);
}

/* Index of element (row, column) of a packed weight that is not of 4 bit. */
static inline constexpr int64_t packed_index(int64_t row, int64_t column, int64_t columns, int32_t dtype) {
  int64_t panel = row / panel_width * panel_elements(columns, dtype);
  int64_t lane = row % panel_width;
  if (dtype == SARTOR_FLOAT32) return panel + column * panel_width + lane;
  return panel + (column / 2 * panel_width + lane) * 2 + column % 2;
}

/* Columns of a row that share a scale in packed 4-bit weights. */
static inline constexpr int64_t scale_group(int64_t columns) {
  const int64_t power = columns & -columns;
  return power > 0 && power < panel_width ? power : panel_width;
}

/* Entries of the packed scales; int8 has one a row. */
static inline constexpr int64_t packed_scales(int64_t rows, int64_t columns, int32_t dtype) {
  if (rows < 0 || columns < 0 || !is_quantized(dtype)) return -1;
  if (dtype == SARTOR_INT8) return rows;
  return round_up(rows, panel_width) * (columns / scale_group(columns));
}

static inline constexpr int64_t packed_scale_index(int64_t row, int64_t column, int64_t columns) {
  const int64_t group = scale_group(columns);
  return (row / panel_width * (columns / group) + column / group) * panel_width + row % panel_width;
}

/* Where the code of element (row, column) of a packed 4-bit weight is: byte >> shift & 15. */
struct PackedCode {
  int64_t byte;
  int shift;
};
static inline constexpr PackedCode packed_code(int64_t row, int64_t column, int64_t columns) {
  const int64_t lane = row % panel_width, nibble = lane / 16;
  const int64_t pair = row / panel_width * round_up(columns, 2) / 2 + column / 2;
  return {pair * panel_width + lane % 16 * 4 + column % 2 * 2 + nibble / 2, (int)(nibble % 2 * 4)};
}

}  // namespace sartor::SARTOR_ISA

#endif
