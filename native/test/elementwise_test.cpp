/* add, zero, convert, dropout, activation, column_scale, dora_scale_backward. */
#include "arrays.h"
using namespace check;

static const int64_t counts[] = {1, 7, 33, 4096, 9001};

static void test_add() {
  on_every_path([](Engine &engine) {
    std::string out;
    for (int32_t dtype : activation_dtypes)
      for (int64_t count : counts)
        for (bool with_b : {true, false}) {
          Array a(count, dtype), b(count, dtype), y(count, dtype);
          a.randomize(), b.randomize();
          sartor_add op{a.data(), with_b ? b.data() : nullptr, y.data(), count, 0.75f, -1.5f, dtype};
          CHECK_RUNS(engine, SARTOR_OP_ADD, op);
          std::vector<double> expected;
          for (int64_t i = 0; i < count; i++) expected.push_back(0.75 * a[i] - (with_b ? 1.5 * b[i] : 0));
          near(y, expected, 0.1, "add");
          op.y = a.data(); /* in place */
          CHECK_RUNS(engine, SARTOR_OP_ADD, op);
          CHECK(a.bytes() == y.bytes(), "add in place differs");
          out += y.bytes();
        }
    sartor_add nothing{nullptr, nullptr, nullptr, 0, 1, 1, SARTOR_FLOAT32};
    CHECK_RUNS(engine, SARTOR_OP_ADD, nothing);
    Array a(4), y(4);
    sartor_add bad{a.data(), nullptr, y.data(), 4, 1, 1, SARTOR_INT32};
    CHECK_FAILS(engine, SARTOR_OP_ADD, bad, SARTOR_BAD_ARGUMENT, "dtype is 3");
    bad = {a.data(), nullptr, nullptr, 4, 1, 1, SARTOR_FLOAT32};
    CHECK_FAILS(engine, SARTOR_OP_ADD, bad, SARTOR_BAD_ARGUMENT, "y is null");
    bad = {a.data(), nullptr, y.data(), -4, 1, 1, SARTOR_FLOAT32};
    CHECK_FAILS(engine, SARTOR_OP_ADD, bad, SARTOR_BAD_ARGUMENT, "count is -4");
    return out;
  });
}

static void test_zero() {
  on_every_path([](Engine &engine) {
    std::string out;
    for (int64_t count : {int64_t{1}, int64_t{5}, int64_t{50000}}) {
      Array y(count);
      y.randomize();
      sartor_zero op{y.data(), count * 4 - 1};
      CHECK_RUNS(engine, SARTOR_OP_ZERO, op);
      std::string bytes = y.bytes();
      for (int64_t i = 0; i < count * 4 - 1; i++)
        if (bytes[static_cast<size_t>(i)] != 0) {
          CHECK(false, "byte %lld is not zero", static_cast<long long>(i));
          break;
        }
      out += bytes;
    }
    return out;
  });
}

static void test_convert() {
  on_every_path([](Engine &engine) {
    std::string out;
    int32_t types[] = {SARTOR_FLOAT32, SARTOR_BFLOAT16, SARTOR_FLOAT16};
    for (int32_t from : types)
      for (int32_t to : types)
        for (int64_t count : counts) {
          Array x(count, from), y(count, to), expected(count, to);
          x.randomize(1000);
          double specials[] = {0.0,  -0.0,     INFINITY, -INFINITY, NAN,     65504, 65519, 65520, 6e-8, 2.9e-8,
                               3e-8, 6.10e-5, 6.09e-5,  1e-5,      -1.4e-6, 1e38,  2049,  2051,  1 + 0x1p-8, 1 + 0x3p-8,
                               1 + 0x1p-11, 1 + 0x3p-11};
          for (size_t i = 0; i < std::size(specials) && static_cast<int64_t>(i) < count; i++)
            x.set(static_cast<int64_t>(i), specials[i]);
          sartor_convert op{x.data(), y.data(), count, from, to};
          CHECK_RUNS(engine, SARTOR_OP_CONVERT, op);
          for (int64_t i = 0; i < count; i++) {
            expected.set(i, x[i]);
            bool same = y[i] == expected[i] ? std::signbit(y[i]) == std::signbit(expected[i])
                                            : std::isnan(y[i]) && std::isnan(expected[i]);
            CHECK(same, "convert %d to %d: %.9g became %.9g, expected %.9g", from, to, x[i], y[i], expected[i]);
          }
          out += y.bytes();
        }
    return out;
  });
}

static void test_dropout() {
  on_every_path([](Engine &engine) {
    std::string out;
    sartor_rng rng{0x123456789abcdef0u, 41};
    for (int32_t dtype : activation_dtypes)
      for (int64_t count : counts) {
        Array x(count, dtype), y(count, dtype);
        x.randomize();
        sartor_dropout op{x.data(), y.data(), &rng, count, 5, 0.25f, 0, dtype};
        CHECK_RUNS(engine, SARTOR_OP_DROPOUT, op);
        std::vector<double> expected;
        int64_t kept = 0;
        for (int64_t i = 0; i < count; i++) {
          bool keeps = y[i] != 0 || x[i] == 0;
          kept += keeps;
          expected.push_back(keeps ? x[i] / 0.75 : 0);
        }
        near(y, expected, 0, "dropout");
        if (count > 4000)
          CHECK(std::fabs(static_cast<double>(kept) / static_cast<double>(count) - 0.75) < 0.03, "%lld of %lld kept",
                static_cast<long long>(kept), static_cast<long long>(count));
        out += y.bytes();
        /* Added to what is there. */
        Array sum(x);
        op.y = sum.data(), op.accumulate = 1;
        CHECK_RUNS(engine, SARTOR_OP_DROPOUT, op);
        for (int64_t i = 0; i < count; i++) expected[static_cast<size_t>(i)] += x[i];
        near(sum, expected, 0.01, "dropout, accumulated");
        /* Another step or site is another mask; probability 0 keeps all. */
        if (count > 30) {
          sartor_rng next{rng.seed, rng.step + 1};
          Array other(count, dtype);
          op = {x.data(), other.data(), &next, count, 5, 0.25f, 0, dtype};
          CHECK_RUNS(engine, SARTOR_OP_DROPOUT, op);
          CHECK(other.bytes() != y.bytes(), "the step does not matter");
          op.rng = &rng, op.site = 6;
          CHECK_RUNS(engine, SARTOR_OP_DROPOUT, op);
          CHECK(other.bytes() != y.bytes(), "the site does not matter");
          op.probability = 0;
          CHECK_RUNS(engine, SARTOR_OP_DROPOUT, op);
          CHECK(other.bytes() == x.bytes(), "probability 0 changes values");
          op.probability = 1;
          CHECK_FAILS(engine, SARTOR_OP_DROPOUT, op, SARTOR_BAD_ARGUMENT, "probability is 1");
        }
      }
    /* The very stream: element i is lane i % 4 of block (i / 4, site, step). Words of block 0 at
     * seed 0, site 0, step 0 are Random123's known answer. */
    const uint32_t words[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    sartor_rng zero{0, 0};
    for (int lane = 0; lane < 4; lane++) {
      float uniform = static_cast<float>(words[lane] >> 8) * 0x1p-24f;
      for (float probability : {uniform, std::nextafter(uniform, 1.0f)}) {
        Array x(4), y(4);
        x.fill(1);
        sartor_dropout op{x.data(), y.data(), &zero, 4, 0, probability, 0, SARTOR_FLOAT32};
        CHECK_RUNS(engine, SARTOR_OP_DROPOUT, op);
        CHECK((y[lane] == 0) == (probability > uniform), "lane %d of block 0 does not match the stream", lane);
      }
    }
    return out;
  });
}

static void test_jitter() {
  on_every_path([](Engine &engine) {
    std::string out;
    sartor_rng rng{0x123456789abcdef0u, 41};
    for (int32_t dtype : activation_dtypes)
      for (int64_t count : counts) {
        Array x(count, dtype), y(count, dtype), one(count), factor(count);
        x.randomize(), one.fill(1);
        sartor_jitter op{x.data(), y.data(), &rng, count, 5, 0.25f, 0, dtype};
        CHECK_RUNS(engine, SARTOR_OP_JITTER, op);
        sartor_jitter factors{one.data(), factor.data(), &rng, count, 5, 0.25f, 0, SARTOR_FLOAT32};
        CHECK_RUNS(engine, SARTOR_OP_JITTER, factors);
        std::vector<double> expected;
        for (int64_t i = 0; i < count; i++) {
          CHECK(factor[i] >= 0.75 && factor[i] <= 1.25, "a factor of %g", factor[i]);
          expected.push_back(x[i] * factor[i]);
        }
        near(y, expected, 0.5, "jitter");
        Array sum(x);
        op.y = sum.data(), op.accumulate = 1;
        CHECK_RUNS(engine, SARTOR_OP_JITTER, op);
        for (int64_t i = 0; i < count; i++) expected[static_cast<size_t>(i)] += x[i];
        near(sum, expected, 0.5, "jitter, accumulated");
        op.noise = 1;
        CHECK_FAILS(engine, SARTOR_OP_JITTER, op, SARTOR_BAD_ARGUMENT, "noise is 1");
        out += y.bytes();
      }
    return out;
  });
}

static double activate(int32_t kind, double x) {
  switch (kind) {
    case SARTOR_SILU: return x / (1 + std::exp(-x));
    case SARTOR_GELU: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case SARTOR_GELU_TANH: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case SARTOR_CLAMPED_SWISH: return std::fmin(x, 7) / (1 + std::exp(-1.702 * std::fmin(x, 7)));
    default: return x > 0 ? x : 0;
  }
}

static double let_through(int32_t kind, double up) {
  return kind == SARTOR_CLAMPED_SWISH ? std::fmin(std::fmax(up, -7), 7) + 1 : up;
}

static void test_activation() {
  on_every_path([](Engine &engine) {
    std::string out;
    for (int32_t dtype : activation_dtypes)
      for (int32_t kind : {SARTOR_SILU, SARTOR_GELU, SARTOR_GELU_TANH, SARTOR_RELU, SARTOR_CLAMPED_SWISH})
        for (bool gated : {true, false})
          for (int64_t count : counts) {
            Array gate(count, dtype), up(count, dtype), y(count, dtype), dy(count, dtype), d_gate(count, dtype),
                d_up(count, dtype);
            gate.randomize(3), up.randomize(), dy.randomize();
            sartor_activation op{gate.data(), gated ? up.data() : nullptr, y.data(), count, kind, dtype};
            CHECK_RUNS(engine, SARTOR_OP_ACTIVATION, op);
            sartor_activation_backward backward{
                dy.data(), gate.data(), gated ? up.data() : nullptr, d_gate.data(), gated ? d_up.data() : nullptr,
                count,     kind,        dtype};
            CHECK_RUNS(engine, SARTOR_OP_ACTIVATION_BACKWARD, backward);
            std::vector<double> value, in_gate, in_up;
            for (int64_t i = 0; i < count; i++) {
              double u = gated ? let_through(kind, up[i]) : 1, x = gate[i];
              value.push_back(activate(kind, x) * u);
              if (kind == SARTOR_CLAMPED_SWISH && x == 7) x -= 1e-5; /* its gradient is that from below */
              in_gate.push_back(dy[i] * u * (activate(kind, x + 1e-5) - activate(kind, x - 1e-5)) / 2e-5);
              in_up.push_back(dy[i] * activate(kind, x) * (let_through(kind, up[i] + 0.5) - let_through(kind, up[i] - 0.5)));
            }
            near(y, value, 0.5, "activation");
            near(d_gate, in_gate, 0.5, "activation's d_gate", 2);
            if (gated) near(d_up, in_up, 0.5, "activation's d_up");
            out += y.bytes() + d_gate.bytes() + (gated ? d_up.bytes() : "");
          }
    Array x(4), y(4);
    x.fill(0);
    sartor_activation bad{x.data(), nullptr, y.data(), 4, 17, SARTOR_FLOAT32};
    CHECK_FAILS(engine, SARTOR_OP_ACTIVATION, bad, SARTOR_BAD_ARGUMENT, "kind is 17");
    sartor_activation_backward half{x.data(), x.data(), x.data(), y.data(), nullptr, 4, 0, SARTOR_FLOAT32};
    CHECK_FAILS(engine, SARTOR_OP_ACTIVATION_BACKWARD, half, SARTOR_BAD_ARGUMENT, "together");
    return out;
  });
}

static void test_column_scale() {
  on_every_path([](Engine &engine) {
    std::string out;
    for (int32_t dtype : activation_dtypes)
      for (auto [rows, width] : {std::pair<int64_t, int64_t>{1, 1}, {5, 37}, {130, 70}, {0, 8}}) {
        int64_t count = rows * width;
        Array x(count, dtype), y(count, dtype), dy(count, dtype), dx(count, dtype), scale(width), bias(width),
            d_scale(width), d_bias(width);
        x.randomize(), scale.randomize(), bias.randomize(), dy.randomize(), dx.randomize(), d_bias.randomize();
        sartor_column_scale op{x.data(), scale.floats(), bias.floats(), y.data(), rows, width, dtype};
        CHECK_RUNS(engine, SARTOR_OP_COLUMN_SCALE, op);
        std::vector<double> value, in_x, in_scale(static_cast<size_t>(width)), in_bias = d_bias.values();
        for (int64_t i = 0; i < count; i++) {
          size_t o = static_cast<size_t>(i % width);
          value.push_back(x[i] * scale[i % width] + bias[i % width]);
          in_x.push_back(dx[i] + dy[i] * scale[i % width]);
          in_scale[o] += dy[i] * x[i];
          in_bias[o] += dy[i];
        }
        near(y, value, 0.1, "column_scale");
        sartor_column_scale_backward backward{dy.data(),        x.data(),        scale.floats(), dx.data(),
                                              d_scale.floats(), d_bias.floats(), rows,           width, 1, dtype};
        CHECK_RUNS(engine, SARTOR_OP_COLUMN_SCALE_BACKWARD, backward);
        near(dx, in_x, 0.1, "column_scale's dx");
        near(d_scale, in_scale, 1, "column_scale's d_scale", 10);
        near(d_bias, in_bias, 1, "column_scale's d_bias", 10);
        out += y.bytes() + dx.bytes() + d_scale.bytes() + d_bias.bytes();
        backward = {dy.data(), nullptr, nullptr, nullptr, nullptr, d_bias.floats(), rows, width, 0, dtype};
        CHECK_RUNS(engine, SARTOR_OP_COLUMN_SCALE_BACKWARD, backward);
      }
    Array d_scale(9), norm(9), d_magnitude(9);
    d_scale.randomize(), norm.fill(2), d_magnitude.fill(1);
    sartor_dora_scale_backward op{d_scale.floats(), norm.floats(), d_magnitude.floats(), 9};
    CHECK_RUNS(engine, SARTOR_OP_DORA_SCALE_BACKWARD, op);
    std::vector<double> expected;
    for (int i = 0; i < 9; i++) expected.push_back(1 + d_scale[i] / 2);
    near(d_magnitude, expected, 0.1, "dora_scale_backward");
    return out;
  });
}

int main() {
  test_add();
  test_zero();
  test_convert();
  test_dropout();
  test_jitter();
  test_activation();
  test_column_scale();
  return finish("elementwise ops");
}
