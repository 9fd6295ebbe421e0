/* pack.cpp: row-major weights to panels, and back. */
#include "gemm/operands.h"
#include "gemm/quantized.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

void pack_values(Context &context, const sartor_pack &a) {
  const sartor_weight &to = a.packed;
  const RightOperand b = a.transpose ? right_operand_transposed(a.source) : right_operand(a.source);
  const int64_t bytes = panel_bytes(to.columns, to.dtype);
  context.parallel(ceil_div(to.rows, panel_width), [&](int64_t first, int64_t last, int) {
    for (int64_t panel = first; panel < last; ++panel)
      fill_panel(b, to.columns, to.rows, panel * panel_width, panel_width, 0, to.columns, to.dtype,
                 (char *)to.data + panel * bytes);
  });
}

/* Code of element (row, column) of row-major 4-bit codes; of what lies outside, the code of 0. */
uint32_t code_at(const sartor_weight &w, int64_t row, int64_t column) {
  if (row >= w.rows || column >= w.columns) return zero_code(w.dtype);
  const int64_t flat = row * w.columns + column;
  return ((const uint8_t *)w.data)[flat / 2] >> (flat % 2 ? 0 : 4) & 15;
}

/* Word (i, parity) of a pair of columns: the codes of rows i, 16 + i, 32 + i and 48 + i. */
uint16_t word_at(const sartor_weight &w, int64_t row, int64_t column) {
  uint32_t word = 0;
  for (int j = 0; j < 4; ++j) word |= code_at(w, row + 16 * j, column) << (4 * j);
  return (uint16_t)word;
}

void pack_4bit_panel(const sartor_pack &a, int64_t panel) {
  const sartor_weight &w = a.source;
  const int64_t row = panel * panel_width, columns = w.columns;
  uint16_t *words = (uint16_t *)((char *)a.packed.data + panel * panel_bytes(columns, w.dtype));
  const bool inside = row + panel_width <= w.rows && columns % 2 == 0;
  const int64_t stride = columns / 2;
  for (int64_t c = 0; c < columns; c += 2) {
    for (int64_t i = 0; i < 16; ++i, words += 2) {
      if (inside) { /* a byte holds the pair */
        const uint8_t *p = (const uint8_t *)w.data + (row + i) * stride + c / 2;
        const uint32_t b0 = p[0], b1 = p[16 * stride], b2 = p[32 * stride], b3 = p[48 * stride];
        words[0] = (uint16_t)(b0 >> 4 | (b1 & 0xf0) | (b2 & 0xf0) << 4 | (b3 & 0xf0) << 8);
        words[1] = (uint16_t)((b0 & 15) | (b1 & 15) << 4 | (b2 & 15) << 8 | (b3 & 15) << 12);
      } else {
        words[0] = word_at(w, row + i, c);
        words[1] = word_at(w, row + i, c + 1);
      }
    }
  }
}

template <class Scale>
void pack_scales_panel(const sartor_pack &a, int64_t panel) {
  const sartor_weight &w = a.source;
  const int64_t group = scale_group(w.columns), groups = w.columns / group, last_row = w.rows - 1;
  Scale *to = (Scale *)a.packed.scales.absmax + panel * groups * panel_width;
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t i = 0; i < panel_width; ++i) {
      const int64_t row = minimum(panel * panel_width + i, last_row);
      memcpy(to + g * panel_width + i,
             (const Scale *)w.scales.absmax + (row * w.columns + g * group) / scale_block, sizeof(Scale));
    }
}

void pack_int8_panel(const sartor_pack &a, int64_t panel) {
  const sartor_weight &w = a.source;
  const int64_t row = panel * panel_width, columns = w.columns;
  const int8_t *from = (const int8_t *)w.data;
  int8_t *to = (int8_t *)((char *)a.packed.data + panel * panel_bytes(columns, w.dtype));
  for (int64_t c = 0; c < columns; c += 2)
    for (int64_t i = 0; i < panel_width; ++i, to += 2) {
      const bool inside = row + i < w.rows;
      to[0] = inside ? from[(row + i) * columns + c] : 0;
      to[1] = inside && c + 1 < columns ? from[(row + i) * columns + c + 1] : 0;
    }
}

void pack_codes(Context &context, const sartor_pack &a) {
  const bool nested = a.source.scales.nested_absmax;
  context.parallel(ceil_div(a.source.rows, panel_width), [&](int64_t first, int64_t last, int) {
    for (int64_t panel = first; panel < last; ++panel) {
      if (a.source.dtype == SARTOR_INT8) {
        pack_int8_panel(a, panel);
      } else {
        pack_4bit_panel(a, panel);
        nested ? pack_scales_panel<uint8_t>(a, panel) : pack_scales_panel<float>(a, panel);
      }
    }
  });
}

int32_t check(Context &context, const sartor_pack &a) {
  const sartor_weight &from = a.source, &to = a.packed;
  SARTOR_REQUIRE(to.rows >= 0 && to.columns >= 0, "pack: weight is [%lld, %lld]", (long long)to.rows,
                 (long long)to.columns);
  SARTOR_REQUIRE(a.transpose ? from.rows == to.columns && from.columns == to.rows
                             : from.rows == to.rows && from.columns == to.columns,
                 "pack: source is [%lld, %lld], packed [%lld, %lld], transpose %d", (long long)from.rows,
                 (long long)from.columns, (long long)to.rows, (long long)to.columns, a.transpose);
  SARTOR_REQUIRE(from.layout == SARTOR_ROW_MAJOR && to.layout == SARTOR_PACKED,
                 "pack: layouts are %d and %d, must be row-major (0) and packed (1)", from.layout, to.layout);
  SARTOR_REQUIRE((is_float_dtype(from.dtype) || is_quantized(from.dtype)) &&
                     (is_activation_dtype(to.dtype) || is_quantized(to.dtype)),
                 "pack: cannot pack dtype %d as dtype %d", from.dtype, to.dtype);
  if (to.rows == 0 || to.columns == 0) return SARTOR_OK;
  SARTOR_REQUIRE(from.data != nullptr && to.data != nullptr, "pack: source or packed is null");
  SARTOR_TRY(check_weight(context, "pack: source", from));
  if (!is_quantized(to.dtype)) return SARTOR_OK;
  SARTOR_TRY(check_weight(context, "pack: packed", to));
  SARTOR_REQUIRE(from.dtype == to.dtype && !a.transpose, "pack: cannot move dtype %d, transpose %d, to dtype %d",
                 from.dtype, a.transpose, to.dtype);
  SARTOR_REQUIRE(!from.scales.nested_absmax == !to.scales.nested_absmax,
                 "pack: only one of source and packed has nested scales");
  return SARTOR_OK;
}

}  // namespace

int32_t pack(Context &context, const sartor_pack &a) {
  SARTOR_TRY(check(context, a));
  if (a.packed.rows == 0 || a.packed.columns == 0) return SARTOR_OK;
  is_quantized(a.packed.dtype) ? pack_codes(context, a) : pack_values(context, a);
  return SARTOR_OK;
}

namespace {

template <class T>
void unpack_row(const T *data, const sartor_weight &w, int64_t row, float *y) {
  if (w.layout == SARTOR_ROW_MAJOR) {
    each_vector(w.columns, [&](int64_t i, auto n) { store(y + i, load(data + row * w.columns + i, n), n); });
    return;
  }
  for (int64_t c = 0; c < w.columns; ++c) y[c] = to_float(data[packed_index(row, c, w.columns, w.dtype)]);
}

template <>
void unpack_row(const float16 *data, const sartor_weight &w, int64_t row, float *y) {
  each_vector(w.columns, [&](int64_t i, auto n) { store(y + i, load(data + row * w.columns + i, n), n); });
}

}  // namespace

int32_t unpack(Context &context, const sartor_unpack &a) {
  SARTOR_TRY(check_weight(context, "unpack", a.weight));
  SARTOR_REQUIRE(a.first_row >= 0 && a.row_count >= 0 && a.first_row <= a.weight.rows - a.row_count,
                 "unpack: rows [%lld, %lld) of a weight with %lld rows", (long long)a.first_row,
                 (long long)(a.first_row + a.row_count), (long long)a.weight.rows);
  SARTOR_REQUIRE(a.y != nullptr, "unpack: y is null");
  const sartor_weight &w = a.weight;
  context.parallel(a.row_count, [&](int64_t first, int64_t last, int) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = a.first_row + i;
      float *y = a.y + i * w.columns;
      if (is_quantized(w.dtype))
        dequantize_row(w, row, 0, w.columns, y);
      else if (w.dtype == SARTOR_FLOAT32)
        unpack_row((const float *)w.data, w, row, y);
      else if (w.dtype == SARTOR_BFLOAT16)
        unpack_row((const bfloat16 *)w.data, w, row, y);
      else
        unpack_row((const float16 *)w.data, w, row, y);
    }
  });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
