/* weighted_sum, sum_squares, clip, adamw, check_finite. */
#include "arrays.h"
using namespace check;

static std::string test_sums(Engine &engine) {
  std::string out;
  for (int64_t count : {int64_t{0}, int64_t{1}, int64_t{13}, int64_t{4096}, int64_t{20001}}) {
    Array x(count), weights(count);
    x.randomize(), weights.randomize();
    double plain = 0, weighted = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) plain += x[i], weighted += x[i] * weights[i], squares += x[i] * x[i];
    float sum = 3;
    sartor_weighted_sum op{x.floats(), nullptr, &sum, count, 0};
    CHECK_RUNS(engine, SARTOR_OP_WEIGHTED_SUM, op);
    CHECK(std::fabs(sum - plain) <= 1e-6 * (std::fabs(plain) + 1), "sum is %g, expected %g", sum, plain);
    op.weights = weights.floats(), op.accumulate = 1;
    CHECK_RUNS(engine, SARTOR_OP_WEIGHTED_SUM, op);
    CHECK(std::fabs(sum - plain - weighted) <= 1e-6 * (std::fabs(plain) + std::fabs(weighted) + 1),
          "weighted sum is %g, expected %g", sum, plain + weighted);
    double total = 5;
    sartor_sum_squares of_squares{x.floats(), &total, count, 1};
    CHECK_RUNS(engine, SARTOR_OP_SUM_SQUARES, of_squares);
    CHECK(std::fabs(total - 5 - squares) <= 1e-12 * (squares + 5), "sum of squares is %.17g, expected %.17g", total,
          5 + squares);
    of_squares.accumulate = 0;
    CHECK_RUNS(engine, SARTOR_OP_SUM_SQUARES, of_squares);
    CHECK(std::fabs(total - squares) <= 1e-12 * squares, "sum of squares is %.17g, expected %.17g", total, squares);
    out += std::string(reinterpret_cast<char *>(&sum), 4) + std::string(reinterpret_cast<char *>(&total), 8);
  }
  struct {
    double squares;
    float max_norm, norm, coefficient;
  } cases[] = {{25, 1, 5, 0.2f}, {25, 10, 5, 1}, {25, 0, 5, 1}, {0, 1, 0, 1}, {25, -1, 5, 1}, {1e-12, 1e-6f, 1e-6f, 0.5f}};
  for (auto &c : cases) {
    float norm, coefficient;
    sartor_clip op{&c.squares, &norm, &coefficient, c.max_norm};
    CHECK_RUNS(engine, SARTOR_OP_CLIP, op);
    CHECK(norm == c.norm && std::fabs(coefficient - c.coefficient) < 1e-4, "norm %g coefficient %g", norm, coefficient);
  }
  double nan = NAN;
  float norm, coefficient;
  sartor_clip op{&nan, &norm, &coefficient, 1};
  CHECK_RUNS(engine, SARTOR_OP_CLIP, op);
  CHECK(std::isnan(coefficient), "clip hides a NaN");
  return out;
}

/* Three steps as torch.optim.AdamW makes them, in double. */
static std::string test_adamw(Engine &engine) {
  std::string out;
  for (int64_t count : {int64_t{1}, int64_t{37}, int64_t{9000}})
    for (float decay : {0.0f, 0.1f}) {
      Array parameter(count), gradient(count), m(count), v(count);
      parameter.randomize(), m.fill(0), v.fill(0);
      std::vector<double> p = parameter.values(), first(static_cast<size_t>(count)), second(static_cast<size_t>(count));
      for (int32_t step = 1; step <= 3; step++) {
        gradient.randomize();
        float scale = 0.5f;
        sartor_schedule schedule{1e-2f / static_cast<float>(step), step};
        double rate = schedule.learning_rate, beta1 = 0.9f, beta2 = 0.999f;
        sartor_adamw op{parameter.floats(), gradient.floats(), m.floats(), v.floats(), &scale, &schedule, count, 0.9f,
                        0.999f,             1e-8f,             decay};
        CHECK_RUNS(engine, SARTOR_OP_ADAMW, op);
        for (int64_t i = 0; i < count; i++) {
          size_t k = static_cast<size_t>(i);
          double g = gradient[i] * scale;
          p[k] -= rate * static_cast<double>(decay) * p[k];
          first[k] = beta1 * first[k] + (1 - beta1) * g;
          second[k] = beta2 * second[k] + (1 - beta2) * g * g;
          double corrected = std::sqrt(second[k] / (1 - std::pow(beta2, step))) + 1e-8f;
          p[k] -= rate * first[k] / (1 - std::pow(beta1, step)) / corrected;
        }
        near(parameter, p, 0.1, "adamw's parameter", 2);
        near(m, first, 0.1, "adamw's m", 2);
        near(v, second, 1e-4, "adamw's v", 2);
      }
      out += parameter.bytes() + m.bytes() + v.bytes();
    }
  Array p(4), g(4), m(4), v(4);
  p.fill(1), g.fill(1), m.fill(0), v.fill(0);
  sartor_schedule schedule{0.1f, 0};
  sartor_adamw op{p.floats(), g.floats(), m.floats(), v.floats(), nullptr, &schedule, 4, 0.9f, 0.999f, 1e-8f, 0};
  CHECK_FAILS(engine, SARTOR_OP_ADAMW, op, SARTOR_BAD_ARGUMENT, "counts from 1");
  return out;
}

static std::string test_finite(Engine &engine) {
  for (int32_t dtype : activation_dtypes)
    for (int64_t count : {int64_t{1}, int64_t{40}, int64_t{4097}, int64_t{30000}}) {
      Array x(count, dtype);
      x.randomize(1e30); /* large, but finite: sums of these must not look infinite */
      if (dtype == SARTOR_FLOAT32)
        for (int64_t i = 0; i < count; i++) x.set(i, x[i] * 1e7);
      int64_t found = 77;
      sartor_check_finite op{x.data(), &found, count, dtype};
      CHECK_RUNS(engine, SARTOR_OP_CHECK_FINITE, op);
      CHECK(found == -1, "found %lld in finite values", static_cast<long long>(found));
      for (double bad : {(double)INFINITY, -(double)INFINITY, (double)NAN}) {
        int64_t at = below(count);
        Array y(x);
        y.set(at, bad);
        y.set(count - 1, bad); /* the first of the two is asked for */
        op.x = y.data();
        CHECK_RUNS(engine, SARTOR_OP_CHECK_FINITE, op);
        CHECK(found == at, "found %lld, expected %lld", static_cast<long long>(found), static_cast<long long>(at));
      }
    }
  return "";
}

int main() {
  on_every_path(test_sums);
  on_every_path(test_adamw);
  on_every_path(test_finite);
  return finish("optimizer ops");
}
