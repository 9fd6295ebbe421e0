// Packing and unpacking: every element in its place, padding zero, for every instruction set.
#include "buffer.h"
#include "gemm/packed.h"

using check::Buffer;
using check::Engine;

static void pack_case(Engine &engine, int64_t rows, int64_t columns, int32_t source_dtype, int32_t dtype,
                      int32_t transpose) {
  using sartor::SARTOR_ISA::packed_index;
  Buffer source(rows * columns, source_dtype);
  check::Random random(static_cast<uint64_t>(rows * 1000 + columns));
  source.randomize(random);
  Buffer packed(sartor_packed_bytes(rows, columns, dtype) / (dtype == SARTOR_FLOAT32 ? 4 : 2), dtype);
  sartor_pack pack{{source.data(), transpose ? columns : rows, transpose ? rows : columns, SARTOR_ROW_MAJOR, source_dtype, {}},
                   {packed.data(), rows, columns, SARTOR_PACKED, dtype, {}},
                   transpose};
  CHECK(engine.run(SARTOR_OP_PACK, pack) == SARTOR_OK, "%s", engine.message());
  CHECK(packed.guards_intact(), "pack wrote out of bounds");
  std::vector<double> expected(static_cast<size_t>(packed.count()), 0.0), all;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) {
      float x = source.get(transpose ? c * rows + r : r * columns + c);
      if (dtype == SARTOR_BFLOAT16) x = check::bfloat16_value(check::bfloat16_bits(x));
      expected[static_cast<size_t>(packed_index(r, c, columns, dtype))] = x;
      all.push_back(x);
    }
  check::compare("packed", packed, expected, 0, 0);
  const int64_t first = rows / 3, count = rows - first;
  Buffer back(count * columns, SARTOR_FLOAT32);
  sartor_unpack unpack{{packed.data(), rows, columns, SARTOR_PACKED, dtype, {}}, back.floats(), first, count};
  CHECK(engine.run(SARTOR_OP_UNPACK, unpack) == SARTOR_OK, "%s", engine.message());
  check::compare("unpacked", back, std::vector<double>(all.begin() + first * columns, all.end()), 0, 0);
  if (transpose) return;
  sartor_unpack plain{{source.data(), rows, columns, SARTOR_ROW_MAJOR, source_dtype, {}}, back.floats(), first, count};
  CHECK(engine.run(SARTOR_OP_UNPACK, plain) == SARTOR_OK, "%s", engine.message());
  std::vector<double> values;
  for (int64_t i = first * columns; i < rows * columns; ++i) values.push_back(source.get(i));
  check::compare("converted", back, values, 0, 0);
}

int main() {
  for (auto &isa : check::instruction_sets()) {
    Engine engine(isa, 2);
    for (int64_t rows : {1, 3, 16, 63, 64, 65, 130})
      for (int64_t columns : {1, 2, 7, 31, 33, 64, 129})
        for (int32_t source : {SARTOR_FLOAT32, SARTOR_BFLOAT16, SARTOR_FLOAT16})
          for (int32_t dtype : {SARTOR_FLOAT32, SARTOR_BFLOAT16})
            for (int32_t transpose : {0, 1}) pack_case(engine, rows, columns, source, dtype, transpose);
    float data[8];
    sartor_pack bad{{data, 2, 2, SARTOR_ROW_MAJOR, SARTOR_INT32, {}}, {data, 2, 2, SARTOR_PACKED, SARTOR_FLOAT32, {}}, 0};
    CHECK(engine.run(SARTOR_OP_PACK, bad) == SARTOR_BAD_ARGUMENT, "integers cannot be packed");
    sartor_unpack outside{{data, 2, 2, SARTOR_ROW_MAJOR, SARTOR_FLOAT32, {}}, data, 1, 2};
    CHECK(engine.run(SARTOR_OP_UNPACK, outside) == SARTOR_BAD_ARGUMENT, "rows past the end");
  }
  return check::finish("pack_test");
}
