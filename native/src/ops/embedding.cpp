/* Token embedding from a row-major or packed table, and its gradient. */
#include "checks.h"

#include "../gemm/quantized.h"

namespace sartor::SARTOR_ISA {

namespace {

int32_t check_ids(Context &context, const char *op, const int32_t *ids, int64_t rows, int64_t table_rows) {
  for (int64_t t = 0; t < rows; t++)
    if (ids[t] < 0 || ids[t] >= table_rows)
      return context.fail(SARTOR_BAD_INDEX, "%s: ids[%lld] is %d, must be in [0, %lld)", op, (long long)t, ids[t],
                          (long long)table_rows);
  return SARTOR_OK;
}

/* Elements of one row of the table, as vectors. */
template <class T>
struct RowMajorRow {
  const T *row;
  RowMajorRow(const sartor_weight &table, int64_t id) : row((const T *)table.data + id * table.columns) {}
  vf operator()(int64_t column, auto n) const { return load(row + column, n); }
};

template <class T>
struct PackedRow {
  const T *data;
  int64_t id, columns;
  int32_t dtype;
  PackedRow(const sartor_weight &table, int64_t id)
      : data((const T *)table.data), id(id), columns(table.columns), dtype(table.dtype) {}
  vf operator()(int64_t column, whole_t) const { return (*this)(column, lanes); }
  vf operator()(int64_t column, int n) const {
    T part[lanes] = {};
    for (int i = 0; i < n; i++) part[i] = data[packed_index(id, column + i, columns, dtype)];
    return load(part);
  }
};

struct QuantizedRow {
  const sartor_weight &table;
  int64_t id;
  QuantizedRow(const sartor_weight &table, int64_t id) : table(table), id(id) {}
  vf operator()(int64_t column, whole_t) const { return (*this)(column, lanes); }
  vf operator()(int64_t column, int n) const {
    float part[lanes] = {};
    dequantize_row(table, id, column, n, part);
    return load(part);
  }
};

template <class Y, class Row>
int32_t look_up(Context &context, const sartor_embedding &op) {
  int64_t width = op.table.columns;
  context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
    for (int64_t t = first; t < last; t++) {
      Row row(op.table, op.ids[t]);
      Y *y = (Y *)op.y + t * width;
      each_vector(width, [&](int64_t i, auto n) {
        vf r = row(i, n);
        if (op.accumulate) r += load(y + i, n);
        store(y + i, r, n);
      });
    }
  });
  return SARTOR_OK;
}

} // namespace

int32_t embedding(Context &context, const sartor_embedding &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("embedding", op.rows);
  SARTOR_REQUIRE_POSITIVE("embedding", op.table.columns);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("embedding", op.ids);
  SARTOR_REQUIRE_POINTER("embedding", op.y);
  SARTOR_TRY(check_weight(context, "embedding: table", op.table));
  int32_t status = check_ids(context, "embedding", op.ids, op.rows, op.table.rows);
  if (status != SARTOR_OK) return status;
  return for_activation_dtype(context, "embedding", op.dtype, [&](auto to) {
    using Y = decltype(to);
    if (is_quantized(op.table.dtype)) return look_up<Y, QuantizedRow>(context, op);
    return for_float_dtype(context, "embedding: table", op.table.dtype, [&](auto from) {
      using T = decltype(from);
      if (op.table.layout == SARTOR_PACKED) return look_up<Y, PackedRow<T>>(context, op);
      return look_up<Y, RowMajorRow<T>>(context, op);
    });
  });
}

int32_t embedding_backward(Context &context, const sartor_embedding_backward &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("embedding_backward", op.rows);
  SARTOR_REQUIRE_POSITIVE("embedding_backward", op.width);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("embedding_backward", op.dy);
  SARTOR_REQUIRE_POINTER("embedding_backward", op.ids);
  SARTOR_REQUIRE_POINTER("embedding_backward", op.d_table);
  int32_t status = check_ids(context, "embedding_backward", op.ids, op.rows, op.table_rows);
  if (status != SARTOR_OK) return status;
  return for_activation_dtype(context, "embedding_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    /* A task takes some columns and walks all tokens in order: no two meet in one element. */
    constexpr int64_t block = 64;
    context.parallel(ceil_div(op.width, block), [&](int64_t first, int64_t last, int) {
      int64_t begin = first * block, end = last * block < op.width ? last * block : op.width;
      for (int64_t t = 0; t < op.rows; t++) {
        const T *dy = (const T *)op.dy + t * op.width + begin;
        float *d = op.d_table + op.ids[t] * op.width + begin;
        each_vector(end - begin, [&](int64_t i, auto n) { store(d + i, load(d + i, n) + load(dy + i, n), n); });
      }
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
