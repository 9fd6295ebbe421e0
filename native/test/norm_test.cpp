/* rms_norm and layer_norm, forward against double, backward against finite differences. */
#include "arrays.h"
using namespace check;

static const std::pair<int64_t, int64_t> shapes[] = {{1, 1}, {3, 37}, {70, 64}, {1100, 24}, {5, 771}};

/* Row t of the normalization of x, in double; bias null: RMSNorm. */
static void normalize(const std::vector<double> &x, int64_t t, int64_t width, const std::vector<double> &weight,
                      const std::vector<double> *bias, double epsilon, std::vector<double> &y) {
  double mean = 0, squares = 0;
  if (bias)
    for (int64_t i = 0; i < width; i++) mean += x[static_cast<size_t>(t * width + i)] / static_cast<double>(width);
  for (int64_t i = 0; i < width; i++) {
    double v = x[static_cast<size_t>(t * width + i)] - mean;
    squares += v * v / static_cast<double>(width);
  }
  double inverse = 1 / std::sqrt(squares + epsilon);
  for (int64_t i = 0; i < width; i++) {
    size_t c = static_cast<size_t>(i);
    y[c] = (x[static_cast<size_t>(t * width + i)] - mean) * inverse * weight[c] + (bias ? (*bias)[c] : 0);
  }
}

static std::string test(Engine &engine, bool layer) {
  std::string out;
  const double epsilon = 1e-5f; /* as the op has it */
  for (int32_t dtype : activation_dtypes)
    for (auto [rows, width] : shapes) {
      int64_t count = rows * width;
      Array x(count, dtype), y(count, dtype), dy(count, dtype), dx(count, dtype), dx_sum(count, dtype), weight(width),
          bias(width), mean(rows), inverse(rows), d_weight(width), d_bias(width);
      x.randomize(2), weight.randomize(), bias.randomize(), dy.randomize(), dx_sum.randomize();
      d_weight.fill(1), d_bias.fill(-1);
      Array dx_start(dx_sum);
      if (layer) {
        sartor_layer_norm op{x.data(), nullptr, nullptr, weight.floats(), bias.floats(), y.data(), mean.floats(),
                             inverse.floats(), rows,            width,         1e-5f,    dtype};
        CHECK_RUNS(engine, SARTOR_OP_LAYER_NORM, op);
        sartor_layer_norm_backward backward{dy.data(), x.data(), nullptr, weight.floats(), mean.floats(),
                                            inverse.floats(), dx.data(),         nullptr,         nullptr,
                                            rows,             width,             0,               dtype};
        CHECK_RUNS(engine, SARTOR_OP_LAYER_NORM_BACKWARD, backward);
        backward.dx = dx_sum.data(), backward.accumulate = 1;
        backward.d_weight = d_weight.floats(), backward.d_bias = d_bias.floats();
        CHECK_RUNS(engine, SARTOR_OP_LAYER_NORM_BACKWARD, backward);
      } else {
        sartor_rms_norm op{x.data(), nullptr, nullptr, weight.floats(), y.data(), inverse.floats(), rows, width, 1e-5f, dtype};
        CHECK_RUNS(engine, SARTOR_OP_RMS_NORM, op);
        sartor_rms_norm_backward backward{dy.data(), x.data(), nullptr, weight.floats(), inverse.floats(), dx.data(),
                                          nullptr,   rows,     width,           0,                dtype};
        CHECK_RUNS(engine, SARTOR_OP_RMS_NORM_BACKWARD, backward);
        backward.dx = dx_sum.data(), backward.accumulate = 1, backward.d_weight = d_weight.floats();
        CHECK_RUNS(engine, SARTOR_OP_RMS_NORM_BACKWARD, backward);
      }
      auto xs = x.values(), ws = weight.values(), bs = bias.values();
      std::vector<double> expected, row(static_cast<size_t>(width)), in_weight(static_cast<size_t>(width), 1.0),
          in_bias(static_cast<size_t>(width), -1.0);
      for (int64_t t = 0; t < rows; t++) {
        normalize(xs, t, width, ws, layer ? &bs : nullptr, epsilon, row);
        for (int64_t i = 0; i < width; i++) {
          size_t c = static_cast<size_t>(i);
          expected.push_back(row[c]);
          double g = dy[t * width + i];
          in_bias[c] += g;
          in_weight[c] += g * (row[c] - (layer ? bs[c] : 0)) / ws[c];
        }
      }
      near(y, expected, 0.5, "y");
      near(d_weight, in_weight, 3, "d_weight", 10);
      if (layer) near(d_bias, in_bias, 3, "d_bias", 10);
      /* dx by finite differences, in some elements. */
      for (int k = 0; k < 40; k++) {
        int64_t e = below(count), t = e / width;
        double numeric = slope(
            [&](const std::vector<double> &v) {
              normalize(v, t, width, ws, layer ? &bs : nullptr, epsilon, row);
              double loss = 0;
              for (int64_t i = 0; i < width; i++) loss += row[static_cast<size_t>(i)] * dy[t * width + i];
              return loss;
            },
            xs, e);
        double allowed = tolerance(dtype) * (std::fabs(numeric) + 1) * 3;
        CHECK(std::fabs(dx[e] - numeric) <= allowed, "dx[%lld] is %g, by differences %g", static_cast<long long>(e),
              dx[e], numeric);
        CHECK(std::fabs(dx_sum[e] - dx_start[e] - numeric) <= 2 * allowed, "accumulated dx[%lld] is %g, expected %g",
              static_cast<long long>(e), dx_sum[e], dx_start[e] + numeric);
      }
      out += y.bytes() + inverse.bytes() + dx.bytes() + dx_sum.bytes() + d_weight.bytes() + d_bias.bytes();
    }
  return out;
}

static void refusals() {
  Engine engine(instruction_sets().front(), 1);
  Array x(8), weight(4), y(8), inverse(2);
  sartor_rms_norm op{x.data(), nullptr, nullptr, weight.floats(), y.data(), inverse.floats(), 2, 0, 1e-5f, SARTOR_FLOAT32};
  CHECK_FAILS(engine, SARTOR_OP_RMS_NORM, op, SARTOR_BAD_ARGUMENT, "width is 0");
  op.width = 4, op.rows = -1;
  CHECK_FAILS(engine, SARTOR_OP_RMS_NORM, op, SARTOR_BAD_ARGUMENT, "rows is -1");
  op.rows = 2, op.weight = nullptr;
  CHECK_FAILS(engine, SARTOR_OP_RMS_NORM, op, SARTOR_BAD_ARGUMENT, "weight is null");
  op.weight = weight.floats(), op.dtype = SARTOR_FLOAT16;
  CHECK_FAILS(engine, SARTOR_OP_RMS_NORM, op, SARTOR_BAD_ARGUMENT, "dtype is 2");
  op.rows = 0, op.dtype = SARTOR_FLOAT32;
  CHECK_RUNS(engine, SARTOR_OP_RMS_NORM, op);
}

int main() {
  on_every_path([](Engine &engine) { return test(engine, false); });
  on_every_path([](Engine &engine) { return test(engine, true); });
  refusals();
  return finish("norms");
}
