/* pack.cpp: row-major weights to panels, and back. */
#include "gemm/operands.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {

int32_t pack(Context &context, const sartor_pack &a) {
  SARTOR_REQUIRE(a.rows >= 0 && a.columns >= 0, "pack: weight is [%lld, %lld]", (long long)a.rows,
                 (long long)a.columns);
  SARTOR_REQUIRE(is_float_dtype(a.source_dtype) && is_activation_dtype(a.dtype),
                 "pack: cannot pack dtype %d as dtype %d", a.source_dtype, a.dtype);
  if (a.rows == 0 || a.columns == 0) return SARTOR_OK;
  SARTOR_REQUIRE(a.source != nullptr && a.packed != nullptr, "pack: source or packed is null");
  const RightOperand b = a.transpose
                             ? RightOperand{a.source, RightOperand::rows_are_k, a.source_dtype, a.rows}
                             : RightOperand{a.source, RightOperand::rows_are_n, a.source_dtype, a.columns};
  const int64_t bytes = panel_elements(a.columns, a.dtype) * dtype_bytes(a.dtype);
  context.parallel(ceil_div(a.rows, panel_width), [&](int64_t first, int64_t last, int) {
    for (int64_t panel = first; panel < last; ++panel)
      fill_panel(b, a.columns, a.rows, panel * panel_width, panel_width, 0, a.columns, a.dtype,
                 (char *)a.packed + panel * bytes);
  });
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
      float *y = a.y + i * w.columns;
      if (w.dtype == SARTOR_FLOAT32)
        unpack_row((const float *)w.data, w, a.first_row + i, y);
      else if (w.dtype == SARTOR_BFLOAT16)
        unpack_row((const bfloat16 *)w.data, w, a.first_row + i, y);
      else
        unpack_row((const float16 *)w.data, w, a.first_row + i, y);
    }
  });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
