/* Steps of the optimizers beside AdamW: bounds, threads, refusals, and results against plain double. */
#include <functional>

#include "arrays.h"

using namespace check;

static const sartor_schedule schedule{1e-2f, 3};
static const double rate = 1e-2f;

/* A parameter with its gradient and a state, random. */
struct Fixture {
  Array parameter, gradient, state;
  std::vector<double> p, g, s;
  explicit Fixture(int64_t count) : parameter(count), gradient(count), state(count) {
    parameter.randomize(), gradient.randomize(), state.randomize();
    p = parameter.values(), g = gradient.values(), s = state.values();
  }
};

static std::string test_adamw_8bit(Engine &engine) {
  std::string out;
  for (int64_t count : {int64_t{1}, int64_t{255}, int64_t{256}, int64_t{1000}}) {
    Fixture f(count);
    const int64_t blocks = (count + 255) / 256;
    Array m_absmax(blocks), v_absmax(blocks);
    m_absmax.fill(0), v_absmax.fill(0);
    std::vector<uint8_t> m(static_cast<size_t>(count)), v(static_cast<size_t>(count));
    sartor_adamw_8bit op{f.parameter.floats(), f.gradient.floats(), m.data(), v.data(), m_absmax.floats(),
                         v_absmax.floats(),    nullptr,             &schedule, count,   0.0f,
                         0.0f,                 1e-8f,               0.1f};
    CHECK_RUNS(engine, SARTOR_OP_ADAMW_8BIT, op);
    for (size_t i = 0; i < m.size(); i++) f.p[i] = f.p[i] * (1 - rate * 0.1f) - rate * (f.g[i] < 0 ? -1 : 1);
    near(f.parameter, f.p, 1, "adamw_8bit's parameter");
    for (int64_t block = 0; block < blocks; block++) {
      double largest = 0;
      for (int64_t i = block * 256; i < count && i < block * 256 + 256; i++)
        largest = std::fmax(largest, std::fabs(f.g[static_cast<size_t>(i)]));
      CHECK(m_absmax[block] == largest, "absmax is %g, not %g", m_absmax[block], largest);
      for (int64_t i = block * 256; i < count && i < block * 256 + 256; i++) {
        size_t k = static_cast<size_t>(i);
        if (f.g[k] == largest) CHECK(m[k] == 255, "the largest has code %d", m[k]);
        if (f.g[k] == -largest) CHECK(m[k] == 0, "the least has code %d", m[k]);
        if (std::fabs(f.g[k]) == largest) CHECK(v[k] == 255, "the largest square has code %d", v[k]);
      }
    }
    out += f.parameter.bytes() + std::string(m.begin(), m.end()) + std::string(v.begin(), v.end());
    std::vector<float> wild(static_cast<size_t>(count), NAN); /* must not lead out of a table */
    op.gradient = wild.data();
    CHECK_RUNS(engine, SARTOR_OP_ADAMW_8BIT, op);
    op.m_absmax = nullptr;
    CHECK_FAILS(engine, SARTOR_OP_ADAMW_8BIT, op, SARTOR_BAD_ARGUMENT, "m_absmax is null");
  }
  return out;
}

static std::string test_lion(Engine &engine) {
  std::string out;
  for (int64_t count : {int64_t{1}, int64_t{37}, int64_t{9000}}) {
    Fixture f(count);
    sartor_lion op{f.parameter.floats(), f.gradient.floats(), f.state.floats(), nullptr, &schedule, count, 0.9f, 0.99f, 0.1f};
    CHECK_RUNS(engine, SARTOR_OP_LION, op);
    for (size_t i = 0; i < f.p.size(); i++) {
      double direction = 0.9f * f.s[i] + (1 - 0.9f) * f.g[i];
      f.p[i] = f.p[i] * (1 - rate * 0.1f) - rate * (direction > 0 ? 1 : -1);
      f.s[i] = 0.99f * f.s[i] + (1 - 0.99f) * f.g[i];
    }
    near(f.parameter, f.p, 1, "lion's parameter");
    near(f.state, f.s, 1, "lion's m");
    out += f.parameter.bytes() + f.state.bytes();
    op.beta1 = 1;
    CHECK_FAILS(engine, SARTOR_OP_LION, op, SARTOR_BAD_ARGUMENT, "must be in [0, 1)");
  }
  return out;
}

static std::string test_adafactor(Engine &engine) {
  std::string out;
  for (int64_t rows : {int64_t{1}, int64_t{5}, int64_t{130}})
    for (int64_t columns : {int64_t{1}, int64_t{19}, int64_t{300}}) {
      Fixture f(rows * columns);
      Array row(rows), column(columns), v(rows * columns);
      row.fill(1), column.fill(1), v.fill(1);
      sartor_adafactor op{f.parameter.floats(), f.gradient.floats(), row.floats(), column.floats(), nullptr, nullptr,
                          &schedule, rows, columns, -0.8f, 1e-30f, 1e-3f, 1.0f, 0.1f, 1};
      Array whole(f.parameter);
      CHECK_RUNS(engine, SARTOR_OP_ADAFACTOR, op);
      double keep = 1 - std::pow(3, -0.8f), norm = 0, size = 0, mean = 0;
      std::vector<double> r(static_cast<size_t>(rows), keep), c(static_cast<size_t>(columns), keep), u = f.g;
      for (size_t i = 0; i < u.size(); i++) {
        r[i / c.size()] += (1 - keep) * f.g[i] * f.g[i] / static_cast<double>(columns);
        c[i % c.size()] += (1 - keep) * f.g[i] * f.g[i] / static_cast<double>(rows);
        size += f.p[i] * f.p[i] / static_cast<double>(u.size());
      }
      for (double each : r) mean += each / static_cast<double>(rows);
      for (size_t i = 0; i < u.size(); i++) {
        u[i] /= std::sqrt(r[i / c.size()] / mean * c[i % c.size()]);
        norm += u[i] * u[i] / static_cast<double>(u.size());
      }
      double scaled = rate * std::fmax(1e-3f, std::sqrt(size));
      for (size_t i = 0; i < u.size(); i++)
        f.p[i] = f.p[i] * (1 - scaled * 0.1f) - scaled * u[i] / std::fmax(1, std::sqrt(norm));
      near(row, r, 1, "adafactor's rows", 4);
      near(column, c, 1, "adafactor's columns", 4);
      near(f.parameter, f.p, 1, "adafactor's parameter", 4);
      out += f.parameter.bytes() + row.bytes() + column.bytes();
      op.parameter = whole.floats(), op.row = op.column = nullptr;
      CHECK_FAILS(engine, SARTOR_OP_ADAFACTOR, op, SARTOR_BAD_ARGUMENT, "row and column, or v");
      op.v = v.floats();
      CHECK_RUNS(engine, SARTOR_OP_ADAFACTOR, op);
      out += whole.bytes() + v.bytes();
    }
  return out;
}

static std::string test_schedule_free(Engine &engine) {
  std::string out;
  for (int64_t count : {int64_t{1}, int64_t{37}, int64_t{9000}}) {
    Fixture f(count);
    Array v(count);
    v.fill(1);
    double state[2] = {0, 3e-4};
    float weight = 0;
    sartor_schedule_free_weight weigh{&schedule, state, &weight, 1, 2};
    CHECK_RUNS(engine, SARTOR_OP_SCHEDULE_FREE_WEIGHT, weigh);
    CHECK(std::fabs(weight - 0.5) < 1e-6, "weight is %g", weight);
    sartor_schedule_free_adamw op{f.parameter.floats(), f.gradient.floats(), f.state.floats(), v.floats(), nullptr,
                                  &schedule, &weight, count, 0.9f, 0.99f, 1e-8f, 0.1f};
    CHECK_RUNS(engine, SARTOR_OP_SCHEDULE_FREE_ADAMW, op);
    for (size_t i = 0; i < f.p.size(); i++) {
      double second = 0.99f + (1 - 0.99f) * f.g[i] * f.g[i];
      double step = f.g[i] / std::sqrt(second / (1 - std::pow(0.99f, 3))) + 0.1f * f.p[i];
      f.p[i] += weight * (f.s[i] - f.p[i]) + rate * (0.9f * (1 - weight) - 1) * step;
      f.s[i] -= rate * step;
    }
    near(f.parameter, f.p, 1, "schedule-free's y");
    near(f.state, f.s, 1, "schedule-free's z");
    out += f.parameter.bytes() + f.state.bytes() + v.bytes();
  }
  return out;
}

static std::string test_muon(Engine &engine) {
  std::string out;
  for (int64_t count : {int64_t{1}, int64_t{37}, int64_t{9000}}) {
    Fixture f(count);
    Array direction(count);
    sartor_muon_momentum op{f.gradient.floats(), f.state.floats(), direction.floats(), nullptr, count, 0.95f, 1e-7f, 1};
    CHECK_RUNS(engine, SARTOR_OP_MUON_MOMENTUM, op);
    std::vector<double> d(f.g);
    double squares = 0;
    for (size_t i = 0; i < d.size(); i++) {
      f.s[i] = 0.95f * f.s[i] + (1 - 0.95f) * f.g[i];
      d[i] = (1 - 0.95f) * f.g[i] + 0.95f * f.s[i];
      squares += d[i] * d[i];
    }
    for (double &each : d) each /= std::sqrt(squares);
    near(f.state, f.s, 1, "muon's buffer");
    near(direction, d, 0.1, "muon's direction", 2);
    sartor_muon_update update{f.parameter.floats(), direction.floats(), &schedule, count, 2, 0.1f};
    CHECK_RUNS(engine, SARTOR_OP_MUON_UPDATE, update);
    for (size_t i = 0; i < d.size(); i++) f.p[i] = f.p[i] * (1 - rate * 0.1f) - 2 * rate * d[i];
    near(f.parameter, f.p, 1, "muon's parameter");
    out += f.parameter.bytes() + f.state.bytes() + direction.bytes();
  }
  return out;
}

static std::string test_matmul(Engine &engine) {
  std::string out;
  const int64_t sizes[] = {1, 3, 17, 70, 130};
  for (int64_t m : sizes)
    for (int64_t n : sizes)
      for (int64_t k : sizes)
        for (int turns = 0; turns < 4; turns++) {
          Array a(m * k), b(k * n), addend(m * n), c(m * n);
          a.randomize(), b.randomize(), addend.randomize();
          sartor_matmul op{a.floats(), b.floats(), addend.floats(), c.floats(), m, n, k, 0.5f, 2.0f, turns & 1, turns >> 1};
          CHECK_RUNS(engine, SARTOR_OP_MATMUL, op);
          std::vector<double> expected(static_cast<size_t>(m * n));
          for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
              double sum = 0;
              for (int64_t l = 0; l < k; l++) sum += a[turns & 1 ? l * m + i : i * k + l] * b[turns >> 1 ? j * k + l : l * n + j];
              expected[static_cast<size_t>(i * n + j)] = 0.5 * sum + 2 * addend[i * n + j];
            }
          near(c, expected, std::sqrt(static_cast<double>(k)), "matmul", 2);
          out += c.bytes();
        }
  return out;
}

int main() {
  on_every_path(test_adamw_8bit);
  on_every_path(test_lion);
  on_every_path(test_adafactor);
  on_every_path(test_schedule_free);
  on_every_path(test_muon);
  on_every_path(test_matmul);
  return finish("optimizers' steps");
}
