/* panel_quantized.cpp: panels of quantized weights, dequantized in cache, and rows of them. */
#include "gemm/panel.h"
#include "gemm/quantized.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t square = panel_width; /* rows and columns that are dequantized at a time */

sartor_weight weight_of(const RightOperand &b, int64_t rows, int64_t columns) {
  const bool packed = b.kind == RightOperand::packed || b.kind == RightOperand::packed_transposed;
  return {b.data, rows, columns, packed ? SARTOR_PACKED : SARTOR_ROW_MAJOR, b.dtype, *b.scales};
}

/* 64 rows of a packed weight, from `row`, and of them the columns [c0, c0 + count). */
struct Slab {
  const sartor_weight &w;
  int64_t row, c0, count;
};

template <bool pairs>
SARTOR_INLINE void store_two(char *out, int64_t column, int64_t row, vf even, vf odd, bool has_odd) {
  if constexpr (pairs) {
    store_words(out + column / 2 * word_row + 4 * row, bfloat16_pairs(even, odd));
  } else {
    store((float *)out + column * panel_width + row, even);
    if (has_odd) store((float *)out + (column + 1) * panel_width + row, odd);
  }
}

/* The 64 scales of the rows of one group of columns: where they lie, or decoded into `room`. */
const float *open_scales(const sartor_weight &w, int64_t row, int64_t column, float *room) {
  const sartor_scales &s = w.scales;
  const int64_t entry = packed_scale_index(row, column, w.columns);
  if (!s.nested_absmax) return (const float *)s.absmax + entry;
  /* Unsigned, so that the division is a shift; in variables, which stores to `room` cannot change. */
  const uint8_t *codes = (const uint8_t *)s.absmax + entry;
  const float *map = s.nested_map, *nested = s.nested_absmax;
  const float offset = s.nested_offset;
  const uint64_t columns = (uint64_t)w.columns;
  const int64_t rows = minimum(panel_width, w.rows - row);
  uint64_t flat = (uint64_t)row * columns + (uint64_t)column;
  for (int64_t i = 0; i < rows; ++i, flat += columns)
    room[i] = float_at(map, codes[i]) * float_at(nested, (int64_t)(flat / (scale_block * nested_block))) + offset;
  for (int64_t i = rows; i < panel_width; ++i) room[i] = 0;
  return room;
}

/* 4 bit: one pair of columns is 16 words of 32 bits, each of 8 codes. */
template <bool pairs>
void open_4bit(const Slab &slab, char *out) {
  const sartor_weight &w = slab.w;
  const Lookup lookup(code_values(w.dtype));
  const int64_t group = scale_group(w.columns);
  const char *codes =
      (const char *)w.data + slab.row / panel_width * panel_bytes(w.columns, w.dtype) + slab.c0 / 2 * panel_width;
  float room[2][panel_width];
  for (int64_t c = 0; c < slab.count;) {
    const float *even_scales = open_scales(w, slab.row, slab.c0 + c, room[0]);
    const bool alone = group == 1 && slab.c0 + c + 1 < w.columns;
    const float *odd_scales = alone ? open_scales(w, slab.row, slab.c0 + c + 1, room[1]) : even_scales;
    const int64_t end = minimum(c + maximum<int64_t>(group, 2), slab.count);
    for (; c < end; c += 2, codes += panel_width) {
      for (int64_t i = 0; i < 16; i += lanes) {
        const vu words = load_words(codes + 4 * i);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const int64_t row = 16 * j + i;
          const vf even = lookup(words >> (4 * j)) * load(even_scales + row);
          const vf odd = lookup(words >> (16 + 4 * j)) * load(odd_scales + row);
          store_two<pairs>(out, c, row, even, odd, c + 1 < slab.count);
        }
      }
    }
  }
}

template <bool pairs>
void open_int8(const Slab &slab, char *out) {
  const sartor_weight &w = slab.w;
  float steps[panel_width] = {};
  for (int64_t i = 0; i < minimum(panel_width, w.rows - slab.row); ++i) steps[i] = int8_step(w.scales, slab.row + i);
  const char *codes =
      (const char *)w.data + slab.row / panel_width * panel_bytes(w.columns, w.dtype) + slab.c0 * panel_width;
  for (int64_t c = 0; c < slab.count; c += 2, codes += 2 * panel_width) {
    for (int64_t i = 0; i < panel_width; i += lanes) {
      const vi words = (vi)__builtin_convertvector((vh) * (const vh_any *)(codes + 2 * i), vu);
      const vf step = load(steps + i);
      const vf even = __builtin_convertvector(words << 24 >> 24, vf) * step;
      const vf odd = __builtin_convertvector(words << 16 >> 24, vf) * step;
      store_two<pairs>(out, c, i, even, odd, c + 1 < slab.count);
    }
  }
}

/* Outlier columns among [c0, c0 + count) take the place of their zero codes. */
template <bool pairs>
void open_outliers(const Slab &slab, char *out) {
  const sartor_scales &s = slab.w.scales;
  const int64_t rows = minimum(panel_width, slab.w.rows - slab.row);
  for (int64_t o = 0; o < s.outlier_count; ++o) {
    const int64_t c = s.outlier_columns[o] - slab.c0;
    if (c < 0 || c >= slab.count) continue;
    const bfloat16 *values = (const bfloat16 *)s.outliers + o * slab.w.rows + slab.row;
    for (int64_t i = 0; i < rows; ++i) {
      if constexpr (pairs)
        ((bfloat16 *)(out + c / 2 * word_row))[2 * i + c % 2] = values[i];
      else
        ((float *)out)[c * panel_width + i] = to_float(values[i]);
    }
  }
}

template <bool pairs>
void open_slab(const Slab &slab, char *out) {
  if (slab.w.dtype != SARTOR_INT8) return open_4bit<pairs>(slab, out);
  open_int8<pairs>(slab, out);
  open_outliers<pairs>(slab, out);
}

/* dx: 64 rows of the weight after the other, each square transposed. */
template <bool pairs>
void from_transposed(const sartor_weight &w, const Part &part) {
  alignas(64) char opened[square * word_row];
  const int64_t columns = minimum(square, part.n - part.n0);
  for (int64_t k = 0; k < part.kc; k += square) {
    open_slab<pairs>({w, part.k0 + k, part.n0, columns}, opened);
    char *out = part.panel + (pairs ? k / 2 : k) * word_row;
    from_packed_transposed<pairs, pairs>(opened,
                                         {square, columns, 0, part.columns, 0, minimum(square, part.kc - k), out});
  }
}

/* Row-major: squares of up to 64 rows by 64 columns. */
void from_rows(const sartor_weight &w, const RightOperand &b, const Part &part, bool pairs) {
  const bool rows_are_n = b.kind == RightOperand::rows_are_n;
  const int64_t n_count = minimum(square, part.n - part.n0);
  float values[square * square];
  for (int64_t k = 0; k < part.kc; k += square) {
    const int64_t k_count = minimum(square, part.kc - k);
    char *out = part.panel + (pairs ? k / 2 : k) * word_row;
    const Part piece{k_count, n_count, 0, part.columns, 0, k_count, out};
    if (rows_are_n) {
      for (int64_t i = 0; i < n_count; ++i) dequantize_row(w, part.n0 + i, part.k0 + k, k_count, values + i * square);
      from_rows_of_n([&](int64_t row) { return values + row * square; }, piece, pairs);
    } else {
      for (int64_t i = 0; i < k_count; ++i) dequantize_row(w, part.k0 + k + i, part.n0, n_count, values + i * square);
      from_rows_of_k(values, square, piece, pairs);
    }
  }
}

/* One block's stretch after the other: within it the scale is one, also where packed scales repeat it. */
void row_of_4bit(const sartor_weight &w, int64_t row, int64_t first, int64_t count, float *out) {
  const bool packed = w.layout == SARTOR_PACKED;
  const float *values = code_values(w.dtype);
  const PackedCode start = packed_code(row, 0, w.columns);
  const uint8_t *codes = (const uint8_t *)w.data + (packed ? start.byte : 0);
  for (int64_t c = first; c < first + count;) {
    const int64_t flat = row * w.columns + c, block = flat / scale_block;
    const float scale = scale_at(w.scales, packed ? packed_scale_index(row, c, w.columns) : block, block);
    const int64_t end = minimum(first + count, c + scale_block - flat % scale_block);
    if (packed) {
      for (; c < end; ++c) out[c - first] = values[codes[c / 2 * panel_width + c % 2 * 2] >> start.shift & 15] * scale;
    } else {
      for (int64_t i = flat; c < end; ++c, ++i) out[c - first] = values[codes[i / 2] >> (i % 2 ? 0 : 4) & 15] * scale;
    }
  }
}

void int8_row(const sartor_weight &w, int64_t row, int64_t first, int64_t count, float *out) {
  const float step = int8_step(w.scales, row);
  const int8_t *codes = (const int8_t *)w.data;
  if (w.layout == SARTOR_PACKED) {
    codes += packed_index(row, 0, w.columns, w.dtype);
    for (int64_t c = first; c < first + count; ++c)
      out[c - first] = (float)codes[c / 2 * 2 * panel_width + c % 2] * step;
  } else {
    codes += row * w.columns + first;
    for (int64_t i = 0; i < count; ++i) out[i] = (float)codes[i] * step;
  }
}

}  // namespace

void dequantize_row(const sartor_weight &w, int64_t row, int64_t first, int64_t count, float *out) {
  if (w.dtype == SARTOR_INT8)
    int8_row(w, row, first, count, out);
  else
    row_of_4bit(w, row, first, count, out);
  for (int64_t o = 0; o < w.scales.outlier_count; ++o) {
    const int64_t i = w.scales.outlier_columns[o] - first;
    if (i >= 0 && i < count) out[i] = outlier_value(w.scales, o, row, w.rows);
  }
}

void fill_quantized(const RightOperand &b, const Part &part, bool pairs) {
  const bool rows_are_n = b.kind == RightOperand::packed || b.kind == RightOperand::rows_are_n;
  const sartor_weight w = rows_are_n ? weight_of(b, part.n, part.k) : weight_of(b, part.k, part.n);
  if (b.kind == RightOperand::packed) {
    const Slab slab{w, part.n0, part.k0, part.kc};
    pairs ? open_slab<true>(slab, part.panel) : open_slab<false>(slab, part.panel);
  } else if (b.kind == RightOperand::packed_transposed) {
    pairs ? from_transposed<true>(w, part) : from_transposed<false>(w, part);
  } else {
    from_rows(w, b, part, pairs);
  }
}

}  // namespace sartor::SARTOR_ISA
