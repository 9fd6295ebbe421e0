/* rope: values in double, strides, in place, accumulation, and that inverse is its transpose. */
#include "arrays.h"
using namespace check;

static std::string test(Engine &engine) {
  std::string out;
  struct Shape {
    int64_t rows;
    int32_t heads, head_dim, rotary_dim;
  };
  for (int32_t dtype : activation_dtypes)
    for (Shape s : {Shape{1, 1, 2, 2}, {5, 3, 10, 6}, {9, 2, 64, 64}, {33, 4, 80, 32}, {3, 1, 70, 70}})
      for (int32_t interleaved : {0, 1})
        for (int32_t inverse : {0, 1}) {
          const int64_t positions = 50, width = s.heads * s.head_dim, x_stride = width + 3, y_stride = width + 8;
          int32_t half = s.rotary_dim / 2;
          Array x(s.rows * x_stride, dtype), y(s.rows * y_stride, dtype), cosine(positions * half),
              sine(positions * half);
          x.randomize(), y.fill(7), cosine.randomize(), sine.randomize();
          std::vector<int32_t> at;
          for (int64_t t = 0; t < s.rows; t++) at.push_back(static_cast<int32_t>(below(positions)));
          sartor_rope op{x.data(), y.data(),  cosine.floats(), sine.floats(), at.data(),    s.rows,      x_stride, y_stride,
                         positions, s.heads, s.head_dim,      s.rotary_dim,  interleaved, inverse, 0, dtype};
          CHECK_RUNS(engine, SARTOR_OP_ROPE, op);
          std::vector<double> expected(static_cast<size_t>(s.rows * y_stride), 7.0);
          for (int64_t t = 0; t < s.rows; t++)
            for (int64_t h = 0; h < s.heads; h++)
              for (int64_t i = 0; i < s.head_dim; i++) {
                int64_t from = t * x_stride + h * s.head_dim;
                double value = x[from + i];
                if (i < s.rotary_dim) {
                  int64_t pair = interleaved ? i / 2 : i % half;
                  bool second = interleaved ? i % 2 : i >= half;
                  int64_t partner = interleaved ? i ^ 1 : (second ? i - half : i + half);
                  double c = cosine[at[static_cast<size_t>(t)] * half + pair];
                  double n = sine[at[static_cast<size_t>(t)] * half + pair] * (inverse ? -1 : 1);
                  value = value * c + (second ? 1 : -1) * x[from + partner] * n;
                }
                expected[static_cast<size_t>(t * y_stride + h * s.head_dim + i)] = value;
              }
          near(y, expected, 1, "rope");
          out += y.bytes();
          Array sum(s.rows * y_stride, dtype);
          sum.fill(0.5);
          op.y = sum.data(), op.accumulate = 1;
          CHECK_RUNS(engine, SARTOR_OP_ROPE, op);
          for (int64_t i = 0; i < s.rows * y_stride; i++)
            if (expected[static_cast<size_t>(i)] == 7) expected[static_cast<size_t>(i)] = 0.5;
            else expected[static_cast<size_t>(i)] += 0.5;
          near(sum, expected, 1, "rope, accumulated");
          Array in_place(x);
          op.x = op.y = in_place.data(), op.y_stride = x_stride, op.accumulate = 0;
          CHECK_RUNS(engine, SARTOR_OP_ROPE, op);
          for (int64_t t = 0; t < s.rows; t++)
            for (int64_t i = 0; i < x_stride; i++) {
              double wanted = i < width ? y[t * y_stride + i] : x[t * x_stride + i];
              CHECK(in_place[t * x_stride + i] == wanted, "rope in place differs");
            }
        }
  return out;
}

static void refusals() {
  Engine engine(instruction_sets().front(), 1);
  Array x(16), table(16);
  int32_t positions[] = {0, 4};
  sartor_rope op{x.data(), x.data(), table.floats(), table.floats(), positions, 2, 8, 8, 4, 2, 4, 4, 0, 0, 0, 0};
  CHECK_FAILS(engine, SARTOR_OP_ROPE, op, SARTOR_BAD_INDEX, "positions[1] is 4, must be in [0, 4)");
  positions[1] = -1;
  CHECK_FAILS(engine, SARTOR_OP_ROPE, op, SARTOR_BAD_INDEX, "positions[1] is -1");
  op.rotary_dim = 3;
  CHECK_FAILS(engine, SARTOR_OP_ROPE, op, SARTOR_BAD_ARGUMENT, "rotary_dim is 3");
  op.rotary_dim = 4, op.y_stride = 7;
  CHECK_FAILS(engine, SARTOR_OP_ROPE, op, SARTOR_BAD_ARGUMENT, "y_stride 7");
}

int main() {
  on_every_path(test);
  refusals();
  return finish("rope");
}
