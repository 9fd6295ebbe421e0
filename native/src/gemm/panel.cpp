/* panel.cpp: panels of the right operand, made in cache from whatever form it has. */
#include "gemm/operands.h"
#include "gemm/words.h"

namespace sartor::SARTOR_ISA {
namespace {

/* Where a panel goes and which part of B it is. */
struct Part {
  int64_t k, n;        /* of B */
  int64_t n0, columns; /* columns to write, a multiple of lanes */
  int64_t k0, kc;
  char *panel;
};

constexpr int64_t word_row = panel_width * 4;

/* Row-major [k, n]: rows are copied, for bfloat16 panels two at a time. */
template <class T>
void from_rows_of_k(const T *source, int64_t stride, const Part &part, bool pairs) {
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

/* Row-major [n, k]: squares of words are transposed. */
template <class T>
void from_rows_of_n(const T *source, int64_t stride, const Part &part, bool pairs) {
  const int64_t per_word = pairs ? 2 : 1;
  const int64_t words = ceil_div(part.kc, per_word);
  for (int64_t c = 0; c < part.columns; c += lanes) {
    for (int64_t w = 0; w < words; w += lanes) {
      vu square[lanes];
      for (int i = 0; i < lanes; ++i) {
        const int64_t row = part.n0 + c + i;
        const int64_t valid = row < part.n ? part.kc - w * per_word : 0;
        const T *p = source + row * stride + part.k0 + w * per_word;
        square[i] = pairs ? load_neighbours(p, valid) : (vu)load_part(p, valid);
      }
      transpose(square);
      const int64_t count = minimum<int64_t>(lanes, words - w);
      for (int64_t i = 0; i < count; ++i) store_words(part.panel + (w + i) * word_row + 4 * c, square[i]);
    }
  }
}

/* float32 panels of a weight [n, k] as pairs. Other packed weights need no new panels. */
void from_packed_float(const float *source, const Part &part) {
  const float *from = source + part.n0 * part.k + part.k0 * panel_width;
  for (int64_t k = 0; k < part.kc; k += 2, from += 2 * panel_width) {
    const int64_t next_valid = k + 1 < part.kc ? panel_width : 0;
    for (int64_t c = 0; c < part.columns; c += lanes)
      store_words(part.panel + k / 2 * word_row + 4 * c,
                  pair_words(load_halves(from + c, lanes), load_halves(from + panel_width + c, next_valid - c)));
  }
}

/* Panels of a weight W [k, n], read the other way round. A square of the source is `lanes` rows
 * of W by `lanes` words along its columns; transposed, a word vector holds neighbours of one row. */
template <bool source_pairs, bool pairs>
void from_packed_transposed(const char *source, const Part &part) {
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

template <class T>
void from_row_major(const RightOperand &b, const Part &part, bool pairs) {
  const T *source = (const T *)b.data;
  if (b.kind == RightOperand::rows_are_k)
    from_rows_of_k(source, b.stride, part, pairs);
  else
    from_rows_of_n(source, b.stride, part, pairs);
}

}  // namespace

void fill_panel(const RightOperand &b, int64_t k, int64_t n, int64_t n0, int64_t columns, int64_t k0, int64_t kc,
                int32_t panel_dtype, void *panel) {
  const Part part{k, n, n0, columns, k0, kc, (char *)panel};
  const char *source = (const char *)b.data;
  const bool pairs = panel_dtype == SARTOR_BFLOAT16;
  switch (b.kind) {
    case RightOperand::packed: from_packed_float((const float *)source, part); return;
    case RightOperand::packed_transposed:
      if (b.dtype == SARTOR_BFLOAT16)
        pairs ? from_packed_transposed<true, true>(source, part) : from_packed_transposed<true, false>(source, part);
      else
        pairs ? from_packed_transposed<false, true>(source, part) : from_packed_transposed<false, false>(source, part);
      return;
    default: break;
  }
  if (b.dtype == SARTOR_FLOAT32)
    from_row_major<float>(b, part, pairs);
  else if (b.dtype == SARTOR_BFLOAT16)
    from_row_major<bfloat16>(b, part, pairs);
  else
    from_row_major<float16>(b, part, pairs);
}

}  // namespace sartor::SARTOR_ISA
