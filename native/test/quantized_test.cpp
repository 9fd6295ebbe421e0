// Quantized weights of every kind, in arrays of exactly their size: codes against the published
// definition in plain loops, and the kernels that read them against products in double.
#include <algorithm>

#include "arrays.h"
#include "gemm/quantized.h"

using namespace check;

namespace {

enum Kind { nf4, fp4, nf4_nested, int8, int8_outliers };

int32_t dtype_of(Kind kind) { return kind == fp4 ? SARTOR_FP4 : kind >= int8 ? SARTOR_INT8 : SARTOR_NF4; }

/* The nearest value by a search through all of them; no tie is met by chance. */
int nearest(int32_t dtype, float x) {
  const float *values = sartor::SARTOR_ISA::code_values(dtype);
  int best = 0;
  for (int code = 1; code < 16; ++code)
    if (std::fabs(values[code] - x) < std::fabs(values[best] - x)) best = code;
  return best;
}

/* FP4 has two zeros, and its trees' thresholds are printed with few digits. */
bool same_code(int32_t dtype, int a, int b, float x) {
  const float *values = sartor::SARTOR_ISA::code_values(dtype);
  return values[a] == values[b] || std::fabs(std::fabs(values[a] - x) - std::fabs(values[b] - x)) < 1e-4f;
}

struct Quantized {
  Kind kind;
  int64_t rows, columns;
  std::vector<float> absmax;
  std::vector<uint8_t> codes, absmax_codes;
  std::vector<float> nested_absmax, map;
  std::vector<int32_t> outlier_columns;
  Array outliers;
  std::vector<double> values; /* dequantized by the definition */
  sartor_weight weight{};
  std::vector<uint8_t> panels;
  std::vector<float> packed_absmax;
  std::vector<uint8_t> packed_absmax_codes;
  sartor_weight packed{};

  Quantized(Engine &engine, Kind kind, int64_t rows, int64_t columns, int32_t source_dtype)
      : kind(kind), rows(rows), columns(columns), outliers(kind == int8_outliers ? 2 * rows : 0, SARTOR_BFLOAT16) {
    const int32_t dtype = dtype_of(kind);
    const int64_t count = rows * columns, blocks = (count + 63) / 64;
    Array source(count, source_dtype);
    source.randomize(0.1);
    codes.resize(static_cast<size_t>(dtype == SARTOR_INT8 ? count : (count + 1) / 2));
    absmax.resize(static_cast<size_t>(dtype == SARTOR_INT8 ? rows : blocks));
    if (kind == int8_outliers) outlier_columns = {1, static_cast<int32_t>(columns - 1)};
    sartor_quantize op{source.data(), codes.data(), absmax.data(), outliers.data(), outlier_columns.data(), rows, columns,
                       static_cast<int64_t>(outlier_columns.size()), source_dtype, dtype, 0};
    CHECK_RUNS(engine, SARTOR_OP_QUANTIZE, op);
    weight = {codes.data(), rows, columns, SARTOR_ROW_MAJOR, dtype, {}};
    weight.scales.absmax = absmax.data();
    if (kind == int8_outliers) {
      weight.scales.outliers = outliers.data();
      weight.scales.outlier_columns = outlier_columns.data();
      weight.scales.outlier_count = 2;
    }
    if (kind == nf4_nested) nest(blocks);
    dtype == SARTOR_INT8 ? check_int8(source) : check_4bit(source);
    pack(engine);
  }

  /* Other scales for the same codes. */
  void nest(int64_t blocks) {
    for (int64_t i = 0; i < blocks; ++i) absmax_codes.push_back(static_cast<uint8_t>(below(256)));
    for (int64_t i = 0; i < (blocks + 255) / 256; ++i) nested_absmax.push_back(0.01f + 0.001f * static_cast<float>(i));
    for (int i = 0; i < 256; ++i) map.push_back(static_cast<float>(i - 127) / 128);
    weight.scales.absmax = absmax_codes.data();
    weight.scales.nested_absmax = nested_absmax.data();
    weight.scales.nested_map = map.data();
    weight.scales.nested_offset = 0.1f;
  }

  void check_4bit(const Array &source) {
    for (int64_t i = 0; i < rows * columns; ++i) {
      const size_t block = static_cast<size_t>(i / 64);
      float most = 0;
      for (int64_t j = i / 64 * 64; j < std::min(i / 64 * 64 + 64, rows * columns); ++j)
        most = std::max(most, std::fabs(static_cast<float>(source[j])));
      CHECK(absmax[block] == most, "absmax %g, expected %g", absmax[block], most);
      const int code = codes[static_cast<size_t>(i / 2)] >> (i % 2 ? 0 : 4) & 15;
      const float x = static_cast<float>(source[i]) * (1.0f / most);
      CHECK(same_code(weight.dtype, code, nearest(weight.dtype, x), x), "code of %g is %d", x, code);
      const float scale = kind == nf4_nested
                              ? map[absmax_codes[block]] * nested_absmax[block / 256] + weight.scales.nested_offset
                              : most;
      values.push_back(sartor::SARTOR_ISA::code_values(weight.dtype)[code] * scale);
    }
  }

  void check_int8(const Array &source) {
    for (int64_t r = 0; r < rows; ++r) {
      float most = 0;
      for (int64_t c = 0; c < columns; ++c)
        if (!is_outlier(c)) most = std::max(most, std::fabs(static_cast<float>(source[r * columns + c])));
      CHECK(absmax[static_cast<size_t>(r)] == most, "absmax %g, expected %g", absmax[static_cast<size_t>(r)], most);
      for (int64_t c = 0; c < columns; ++c) {
        const int code = static_cast<int8_t>(codes[static_cast<size_t>(r * columns + c)]);
        const float x = is_outlier(c) || most == 0 ? 0 : static_cast<float>(source[r * columns + c]) * (127.0f / most);
        CHECK(code == static_cast<int>(std::nearbyint(x)), "code of %g is %d", x, code);
        values.push_back(static_cast<float>(code) * (most / 127.0f));
        if (is_outlier(c)) {
          const int64_t o = c == 1 ? 0 : 1;
          CHECK(outliers[o * rows + r] == from_bfloat16_bits(bfloat16_bits(source[r * columns + c])), "outlier");
          values.back() = outliers[o * rows + r];
        }
      }
    }
  }

  bool is_outlier(int64_t column) const {
    return std::find(outlier_columns.begin(), outlier_columns.end(), column) != outlier_columns.end();
  }

  void pack(Engine &engine) {
    panels.resize(static_cast<size_t>(sartor_packed_bytes(rows, columns, weight.dtype)));
    packed = weight;
    packed.layout = SARTOR_PACKED;
    packed.data = panels.data();
    if (weight.dtype != SARTOR_INT8) {
      const size_t scales = static_cast<size_t>(sartor_packed_scales(rows, columns, weight.dtype));
      packed_absmax.resize(scales), packed_absmax_codes.resize(scales);
      packed.scales.absmax = kind == nf4_nested ? static_cast<void *>(packed_absmax_codes.data()) : packed_absmax.data();
      packed.scales.group = static_cast<int32_t>(sartor::SARTOR_ISA::scale_group(columns));
    }
    sartor_pack op{weight, packed, 0};
    CHECK_RUNS(engine, SARTOR_OP_PACK, op);
  }
};

std::string test_products(Engine &engine, const Quantized &q, const sartor_weight &weight, int32_t dtype) {
  const int64_t rows = 7;
  Array x(rows * q.columns, dtype), dy(rows * q.rows, dtype), y(rows * q.rows, dtype), dx(rows * q.columns, dtype);
  x.randomize(), dy.randomize();
  sartor_lora_linear forward{}; forward.projection_count = 1;
  forward.x = x.data(), forward.projections[0].weight = weight, forward.projections[0].y = y.data(), forward.rows = rows, forward.dtype = dtype;
  CHECK_RUNS(engine, SARTOR_OP_LORA_LINEAR, forward);
  sartor_lora_linear_backward backward{}; backward.projection_count = 1;
  backward.projections[0].dy = dy.data(), backward.projections[0].weight = weight, backward.dx = dx.data(), backward.rows = rows, backward.dtype = dtype;
  CHECK_RUNS(engine, SARTOR_OP_LORA_LINEAR_BACKWARD, backward);
  /* Where pairs of bfloat16 are multiplied, the weight is one of them, rounded once. */
  const bool rounds = dtype == SARTOR_BFLOAT16 && std::strcmp(sartor_isa(engine.get()), "avx512_bf16") == 0;
  std::vector<double> expected_y(static_cast<size_t>(y.count())), expected_dx(static_cast<size_t>(dx.count()));
  for (int64_t t = 0; t < rows; ++t)
    for (int64_t o = 0; o < q.rows; ++o)
      for (int64_t i = 0; i < q.columns; ++i) {
        double w = q.values[static_cast<size_t>(o * q.columns + i)];
        if (rounds) w = from_bfloat16_bits(bfloat16_bits(w));
        expected_y[static_cast<size_t>(t * q.rows + o)] += x[t * q.columns + i] * w;
        expected_dx[static_cast<size_t>(t * q.columns + i)] += dy[t * q.rows + o] * w;
      }
  const double sums = dtype == SARTOR_FLOAT32 ? 1 : 1e-3; /* of bfloat16, what is left is the result's own rounding */
  near(y, expected_y, sums, "y");
  near(dx, expected_dx, sums, "dx");
  return y.bytes() + dx.bytes();
}

std::string test_rows(Engine &engine, const Quantized &q, const sartor_weight &weight) {
  Array back(q.rows * q.columns), looked_up(3 * q.columns);
  sartor_unpack unpack{weight, back.floats(), 0, q.rows};
  CHECK_RUNS(engine, SARTOR_OP_UNPACK, unpack);
  near(back, q.values, 0, "unpacked", 0);
  const int32_t ids[] = {0, static_cast<int32_t>(q.rows - 1), static_cast<int32_t>(q.rows / 2)};
  sartor_embedding embedding{weight, ids, looked_up.data(), 3, 0, SARTOR_FLOAT32};
  CHECK_RUNS(engine, SARTOR_OP_EMBEDDING, embedding);
  std::vector<double> expected;
  for (int32_t id : ids)
    expected.insert(expected.end(), q.values.begin() + id * q.columns, q.values.begin() + (id + 1) * q.columns);
  near(looked_up, expected, 0, "looked up", 0);
  return back.bytes() + looked_up.bytes();
}

void test_refusals(Engine &engine) {
  float x[64 * 4] = {}, absmax[4];
  uint8_t codes[64 * 4];
  sartor_quantize op{x, codes, absmax, nullptr, nullptr, 4, 64, 0, SARTOR_FLOAT32, SARTOR_NF4, 0};
  x[70] = NAN;
  CHECK_FAILS(engine, SARTOR_OP_QUANTIZE, op, SARTOR_BAD_ARGUMENT, "[1, 6]");
  x[70] = 0;
  op.dtype = SARTOR_INT32;
  CHECK_FAILS(engine, SARTOR_OP_QUANTIZE, op, SARTOR_BAD_ARGUMENT, "dtype is 3");
  op.dtype = SARTOR_INT8;
  const int32_t columns[] = {5, 5};
  op.outlier_columns = columns, op.outlier_count = 2, op.outliers = codes;
  CHECK_FAILS(engine, SARTOR_OP_QUANTIZE, op, SARTOR_BAD_INDEX, "outlier_columns[1]");
  sartor_unpack unpack{{codes, 4, 64, SARTOR_ROW_MAJOR, SARTOR_NF4, {}}, x, 0, 4};
  CHECK_FAILS(engine, SARTOR_OP_UNPACK, unpack, SARTOR_BAD_ARGUMENT, "absmax is null");
  unpack.weight.scales.absmax = absmax, unpack.weight.layout = SARTOR_PACKED, unpack.weight.scales.group = 32;
  CHECK_FAILS(engine, SARTOR_OP_UNPACK, unpack, SARTOR_BAD_ARGUMENT, "group is 32");
}

}  // namespace

int main() {
  on_every_path([](Engine &engine) {
    std::string bytes;
    test_refusals(engine);
    for (Kind kind : {nf4, fp4, nf4_nested, int8, int8_outliers})
      for (auto [rows, columns] : {std::pair<int64_t, int64_t>{1, 5}, {63, 172}, {100, 65}, {130, 128}, {66, 288}})
        for (int32_t source : {SARTOR_FLOAT32, SARTOR_BFLOAT16, SARTOR_FLOAT16}) {
          const Quantized q(engine, kind, rows, columns, source);
          for (const sartor_weight &weight : {q.weight, q.packed}) {
            bytes += test_rows(engine, q, weight);
            if (source != SARTOR_FLOAT32) continue;
            for (int32_t dtype : activation_dtypes) bytes += test_products(engine, q, weight, dtype);
          }
        }
    return bytes;
  });
  return finish("quantized_test");
}
