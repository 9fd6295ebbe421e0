/* embedding (row-major and packed tables), embedding_backward, cache_write. */
#include "arrays.h"
#include "gemm/packed.h"
using namespace check;

static std::string test_embedding(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes)
    for (int32_t table_dtype : {SARTOR_FLOAT32, SARTOR_BFLOAT16, SARTOR_FLOAT16})
      for (int32_t layout : {SARTOR_ROW_MAJOR, SARTOR_PACKED})
        for (auto [table_rows, width] : {std::pair<int64_t, int64_t>{1, 1}, {130, 37}, {64, 96}}) {
          if (layout == SARTOR_PACKED && table_dtype == SARTOR_FLOAT16) continue;
          Array table(table_rows * width, table_dtype);
          table.randomize();
          int64_t packed_count =
              sartor_packed_bytes(table_rows, width, table_dtype == SARTOR_FLOAT16 ? SARTOR_BFLOAT16 : table_dtype) /
              size_of(table_dtype);
          Array packed(packed_count, table_dtype);
          packed.fill(NAN);
          for (int64_t r = 0; r < table_rows; r++)
            for (int64_t c = 0; c < width; c++)
              packed.set(sartor::SARTOR_ISA::packed_index(r, c, width, table_dtype), table[r * width + c]);
          const int64_t rows = 75;
          std::vector<int32_t> ids;
          for (int64_t t = 0; t < rows; t++) ids.push_back(static_cast<int32_t>(below(table_rows)));
          Array y(rows * width, dtype), sum(rows * width, dtype);
          sum.fill(2);
          sartor_weight weight{layout == SARTOR_PACKED ? packed.data() : table.data(), table_rows, width, layout,
                               table_dtype, {}};
          sartor_embedding op{weight, ids.data(), y.data(), rows, 0, dtype};
          CHECK_RUNS(engine, SARTOR_OP_EMBEDDING, op);
          std::vector<double> expected;
          for (int64_t t = 0; t < rows; t++)
            for (int64_t c = 0; c < width; c++)
              expected.push_back(table[ids[static_cast<size_t>(t)] * width + c]);
          near(y, expected, 0, "embedding");
          op.y = sum.data(), op.accumulate = 1;
          CHECK_RUNS(engine, SARTOR_OP_EMBEDDING, op);
          for (double &e : expected) e += 2;
          near(sum, expected, 0, "embedding, accumulated");
          out += y.bytes() + sum.bytes();
          if (table_dtype != SARTOR_FLOAT32 || layout == SARTOR_PACKED) continue;
          Array dy(rows * width, dtype), d_table(table_rows * width);
          dy.randomize(), d_table.fill(1);
          sartor_embedding_backward backward{dy.data(), ids.data(), d_table.floats(), rows, table_rows, width, dtype};
          CHECK_RUNS(engine, SARTOR_OP_EMBEDDING_BACKWARD, backward);
          std::vector<double> gradient(static_cast<size_t>(table_rows * width), 1.0);
          for (int64_t t = 0; t < rows; t++)
            for (int64_t c = 0; c < width; c++)
              gradient[static_cast<size_t>(ids[static_cast<size_t>(t)] * width + c)] += dy[t * width + c];
          near(d_table, gradient, 1, "embedding_backward", 5);
          out += d_table.bytes();
          ids[2] = static_cast<int32_t>(table_rows);
          CHECK_FAILS(engine, SARTOR_OP_EMBEDDING, op, SARTOR_BAD_INDEX, "ids[2] is");
          CHECK_FAILS(engine, SARTOR_OP_EMBEDDING_BACKWARD, backward, SARTOR_BAD_INDEX, "ids[2] is");
          ids[2] = -1;
          CHECK_FAILS(engine, SARTOR_OP_EMBEDDING, op, SARTOR_BAD_INDEX, "ids[2] is -1");
        }
  return out;
}

static std::string test_cache(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes) {
    const int64_t batch = 3, length = 5, capacity = 11, width = 700, stride = 705;
    Array x(batch * length * stride, dtype), cache(batch * capacity * width, dtype);
    x.randomize(), cache.fill(9);
    std::vector<int32_t> slots;
    for (int64_t t = 0; t < batch * length; t++) slots.push_back(static_cast<int32_t>(below(capacity)));
    slots[4] = -1;
    slots[7] = slots[9]; /* the later one wins */
    std::vector<double> expected = cache.values();
    for (int64_t b = 0; b < batch; b++)
      for (int64_t t = 0; t < length; t++)
        for (int64_t i = 0; i < width; i++) {
          int64_t slot = slots[static_cast<size_t>(b * length + t)];
          if (slot >= 0)
            expected[static_cast<size_t>((b * capacity + slot) * width + i)] = x[(b * length + t) * stride + i];
        }
    sartor_cache_write op{x.data(), cache.data(), slots.data(), batch, length, capacity, width, stride, dtype};
    CHECK_RUNS(engine, SARTOR_OP_CACHE_WRITE, op);
    near(cache, expected, 0, "cache_write", 0);
    out += cache.bytes();
    slots[6] = capacity;
    CHECK_FAILS(engine, SARTOR_OP_CACHE_WRITE, op, SARTOR_BAD_INDEX, "slots[6] is 11, must be below the capacity 11");
    CHECK(cache.bytes() == out.substr(out.size() - cache.bytes().size()), "a refused cache_write wrote");
  }
  return out;
}

int main() {
  on_every_path(test_embedding);
  on_every_path(test_cache);
  return finish("embedding and cache");
}
