/* panel.h: the forms of a right operand that panels are made from (see fill_panel). */
#ifndef SARTOR_GEMM_PANEL_H
#define SARTOR_GEMM_PANEL_H

#include "gemm/operands.h"
#include "gemm/words.h"

namespace sartor::SARTOR_ISA {

/* Where a panel goes and which part of B it is. */
struct Part {
  int64_t k, n;        /* of B */
  int64_t n0, columns; /* columns to write, a multiple of lanes */
  int64_t k0, kc;
  char *panel;
};

static constexpr int64_t word_row = panel_width * 4;

/* Row-major [k, n]: rows are copied, for bfloat16 panels two at a time. */
template <class T>
static void from_rows_of_k(const T *source, int64_t stride, const Part &part, bool pairs) {
  const int64_t valid = part.n - part.n0;
  const T *row = source + part.k0 * stride + part.n0;
  char *out = part.panel;
  if (!pairs) {
    for (int64_t k = 0; k < part.kc; ++k, row += stride, out += word_row)
      for (int64_t c = 0; c < part.columns; c += lanes)
        store_words(out + 4 * c, (vu)load_part(row + c, valid - c));
    return;
  }
  for (int64_t k = 0; k < part.kc; k += 2, row += 2 * stride, out += word_row) {
    const int64_t next_valid = k + 1 < part.kc ? valid : 0;
    for (int64_t c = 0; c < part.columns; c += lanes)
      store_words(out + 4 * c, pair_words(load_halves(row + c, valid - c), load_halves(row + stride + c, next_valid - c)));
  }
}

/* Row-major [n, k]: squares of words are transposed. row_of(row) is where a row begins, or null. */
template <class RowOf>
static void from_rows_of_n(RowOf &&row_of, const Part &part, bool pairs) {
  const int64_t per_word = pairs ? 2 : 1;
  const int64_t words = ceil_div(part.kc, per_word);
  for (int64_t c = 0; c < part.columns; c += lanes) {
    for (int64_t w = 0; w < words; w += lanes) {
      vu square[lanes];
      for (int i = 0; i < lanes; ++i) {
        const int64_t row = part.n0 + c + i;
        const auto *from = row < part.n ? row_of(row) : nullptr;
        const int64_t valid = from ? part.kc - w * per_word : 0;
        const auto *p = from ? from + part.k0 + w * per_word : nullptr;
        square[i] = pairs ? load_neighbours(p, valid) : (vu)load_part(p, valid);
      }
      transpose(square);
      const int64_t count = minimum<int64_t>(lanes, words - w);
      for (int64_t i = 0; i < count; ++i) store_words(part.panel + (w + i) * word_row + 4 * c, square[i]);
    }
  }
}

/* Panels of a weight W [k, n], read the other way round. A square of the source is `lanes` rows
 * of W by `lanes` words along its columns; transposed, a word vector holds neighbours of one row. */
template <bool source_pairs, bool pairs>
static void from_packed_transposed(const char *source, const Part &part) {
  constexpr int64_t per_word = source_pairs ? 2 : 1;
  const int64_t source_words = ceil_div(part.n, per_word); /* word rows of a source panel */
  const int64_t columns = minimum(part.columns, part.n - part.n0);
  for (int64_t k = 0; k < part.kc; k += lanes) {
    const int64_t row = part.k0 + k;
    const char *panel = source + (row / panel_width * source_words * panel_width + row % panel_width) * 4;
    char *out = part.panel + (pairs ? k / 2 : k) * word_row;
    const int64_t count = minimum<int64_t>(lanes, part.kc - k);
    for (int64_t c = 0; c < columns; c += lanes * per_word) {
      vu square[lanes];
      const int64_t first = (part.n0 + c) / per_word;
      if (first + lanes <= source_words) {
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) square[i] = load_words(panel + (first + i) * word_row);
      } else {
        for (int i = 0; i < lanes; ++i)
          square[i] = first + i < source_words ? load_words(panel + (first + i) * word_row) : vu{};
      }
      transpose(square);
      /* Rows past kc need not be masked: the source's padding is zero, and of the odd k's
       * partner that lies past the block the caller's part holds none (blocks are even). */
      const bool upper = c + lanes < part.columns; /* is the square's second half wanted? */
      if constexpr (source_pairs && pairs) {
        for (int64_t i = 0; i < count; i += 2, out += word_row) {
          store_words(out + 4 * c, interleave_low_halves(square[i], square[i + 1]));
          if (upper) store_words(out + 4 * (c + lanes), interleave_high_halves(square[i], square[i + 1]));
        }
      } else if constexpr (source_pairs) {
        for (int64_t i = 0; i < count; ++i, out += word_row) {
          store_words(out + 4 * c, interleave_low_halves(vu{}, square[i]));
          if (upper) store_words(out + 4 * (c + lanes), interleave_high_halves(vu{}, square[i]));
        }
      } else if constexpr (pairs) {
        for (int64_t i = 0; i < count; i += 2, out += word_row)
          store_words(out + 4 * c, pair_words(to_bfloat16((vf)square[i]), to_bfloat16((vf)square[i + 1])));
      } else {
        for (int64_t i = 0; i < count; ++i, out += word_row) store_words(out + 4 * c, square[i]);
      }
      out = part.panel + (pairs ? k / 2 : k) * word_row;
    }
  }
  const int64_t written = round_up(columns, lanes * per_word);
  const int64_t rows = pairs ? ceil_div(part.kc, 2) : part.kc;
  for (int64_t k = 0; k < rows && written < part.columns; ++k)
    for (int64_t c = written; c < part.columns; c += lanes) store_words(part.panel + k * word_row + 4 * c, vu{});
}

/* The part of a quantized weight, dequantized on the way: float32, rounded to bfloat16 once. */
void fill_quantized(const RightOperand &b, const Part &part, bool pairs);

}  // namespace sartor::SARTOR_ISA

#endif
