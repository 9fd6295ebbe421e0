// lora_linear and its gradients against plain loops in double, for every instruction set.
#include "buffer.h"
#include "philox.h"

using check::Buffer;
using check::Engine;

namespace {

struct Case {
  int64_t rows, in, out;
  int32_t rank;
  int32_t dtype, weight_dtype, layout;
  float dropout;
  bool bias, accumulate;
};

std::string describe(const Case &c, const char *isa, const char *what) {
  char text[200];
  std::snprintf(text, sizeof text, "%s %s rows %lld in %lld out %lld rank %d dtype %d weight %d layout %d dropout %g",
                isa, what, (long long)c.rows, (long long)c.in, (long long)c.out, c.rank, c.dtype, c.weight_dtype,
                c.layout, (double)c.dropout);
  return text;
}

/* Everything a layer has, and its expected results. */
struct Layer {
  Case c;
  Buffer x, w, packed, bias, a, b, dy;
  sartor_rng rng{0x1234567890abcdefu, 7};
  std::vector<double> y, h, dx, d_a, d_b, d_w, d_bias;
  Buffer dx_before;

  explicit Layer(const Case &c)
      : c(c), x(c.rows * c.in, c.dtype), w(c.out * c.in, c.weight_dtype),
        packed(c.layout == SARTOR_PACKED ? sartor_packed_bytes(c.out, c.in, c.weight_dtype) / w.size() : 0,
               c.weight_dtype),
        bias(c.out, SARTOR_FLOAT32), a(c.rank * c.in, SARTOR_FLOAT32), b(c.out * c.rank, SARTOR_FLOAT32),
        dy(c.rows * c.out, c.dtype), dx_before(c.rows * c.in, c.dtype) {
    check::Random random(static_cast<uint64_t>(c.rows * 31 + c.in * 7 + c.out + c.rank));
    x.randomize(random);
    w.randomize(random);
    bias.randomize(random);
    a.randomize(random);
    b.randomize(random);
    dy.randomize(random);
    dx_before.randomize(random);
    expect();
  }

  double kept(int64_t i) const {
    float scale = 1;
    if (c.dropout > 0 && c.rank > 0)
      sartor::SARTOR_ISA::dropout_scales(&scale, i, 1, rng.seed, rng.step, 3, c.dropout);
    return scale;
  }

  void expect() {
    const double s = 0.5;
    auto zeros = [](int64_t n) { return std::vector<double>(static_cast<size_t>(n), 0.0); };
    y = zeros(c.rows * c.out), h = zeros(c.rows * c.rank), dx = zeros(c.rows * c.in), d_a = zeros(c.rank * c.in);
    d_b = zeros(c.out * c.rank), d_w = zeros(c.out * c.in), d_bias = zeros(c.out);
    std::vector<double> g = zeros(c.rows * c.rank), mask = zeros(c.rows * c.in);
    for (int64_t i = 0; i < c.rows * c.in; ++i) mask[i] = kept(i);
    for (int64_t t = 0; t < c.rows; ++t) {
      for (int r = 0; r < c.rank; ++r)
        for (int64_t i = 0; i < c.in; ++i)
          h[t * c.rank + r] += mask[t * c.in + i] * x.get(t * c.in + i) * a.get(r * c.in + i);
      for (int64_t o = 0; o < c.out; ++o) {
        double sum = c.bias ? bias.get(o) : 0.0, d = dy.get(t * c.out + o);
        for (int64_t i = 0; i < c.in; ++i) {
          sum += double(x.get(t * c.in + i)) * w.get(o * c.in + i);
          dx[t * c.in + i] += d * w.get(o * c.in + i);
          d_w[o * c.in + i] += d * x.get(t * c.in + i);
        }
        for (int r = 0; r < c.rank; ++r) {
          sum += s * h[t * c.rank + r] * b.get(o * c.rank + r);
          g[t * c.rank + r] += s * d * b.get(o * c.rank + r);
          d_b[o * c.rank + r] += s * d * h[t * c.rank + r];
        }
        y[t * c.out + o] = sum;
        d_bias[o] += d;
      }
      for (int64_t i = 0; i < c.in; ++i) {
        for (int r = 0; r < c.rank; ++r) {
          dx[t * c.in + i] += mask[t * c.in + i] * g[t * c.rank + r] * a.get(r * c.in + i);
          d_a[r * c.in + i] += g[t * c.rank + r] * mask[t * c.in + i] * x.get(t * c.in + i);
        }
        if (c.accumulate) dx[t * c.in + i] += dx_before.get(t * c.in + i);
      }
    }
  }

  sartor_weight weight(Engine &engine) {
    if (c.layout == SARTOR_ROW_MAJOR) return {w.data(), c.out, c.in, SARTOR_ROW_MAJOR, c.weight_dtype, {}};
    sartor_pack pack{{w.data(), c.out, c.in, SARTOR_ROW_MAJOR, c.weight_dtype, {}},
                     {packed.data(), c.out, c.in, SARTOR_PACKED, c.weight_dtype, {}},
                     0};
    CHECK(engine.run(SARTOR_OP_PACK, pack) == SARTOR_OK, "%s", engine.message());
    CHECK(packed.guards_intact(), "pack wrote out of bounds");
    return {packed.data(), c.out, c.in, SARTOR_PACKED, c.weight_dtype, {}};
  }
};

struct Results {
  Buffer y, h, dx, d_a, d_b, d_w, d_bias;
  explicit Results(const Case &c)
      : y(c.rows * c.out, c.dtype), h(c.rows * c.rank, SARTOR_FLOAT32), dx(c.rows * c.in, c.dtype),
        d_a(c.rank * c.in, SARTOR_FLOAT32), d_b(c.out * c.rank, SARTOR_FLOAT32), d_w(c.out * c.in, SARTOR_FLOAT32),
        d_bias(c.out, SARTOR_FLOAT32) {
    for (Buffer *gradient : {&d_a, &d_b, &d_w, &d_bias}) gradient->fill(0.25f); /* gradients add */
  }
  bool operator==(const Results &o) const {
    return y == o.y && h == o.h && dx == o.dx && d_a == o.d_a && d_b == o.d_b && d_w == o.d_w && d_bias == o.d_bias;
  }
};

Results run(Layer &l, Engine &engine) {
  const Case &c = l.c;
  Results r(c);
  r.dx = l.dx_before;
  sartor_weight weight = l.weight(engine);
  bool adapts = c.rank > 0;
  sartor_lora_linear forward{}; forward.projection_count = 1;
  forward.x = l.x.data();
  forward.projections[0].weight = weight;
  forward.projections[0].bias = c.bias ? l.bias.floats() : nullptr;
  forward.projections[0].lora_a = adapts ? l.a.floats() : nullptr;
  forward.projections[0].lora_b = adapts ? l.b.floats() : nullptr;
  forward.projections[0].y = r.y.data();
  forward.projections[0].h = adapts ? r.h.floats() : nullptr;
  forward.rng = &l.rng;
  forward.rows = c.rows;
  forward.site = 3;
  forward.projections[0].rank = c.rank;
  forward.projections[0].scaling = 0.5f;
  forward.dropout = c.dropout;
  forward.dtype = c.dtype;
  CHECK(engine.run(SARTOR_OP_LORA_LINEAR, forward) == SARTOR_OK, "%s", engine.message());
  sartor_lora_linear_backward backward{}; backward.projection_count = 1;
  backward.projections[0].dy = l.dy.data();
  backward.x = l.x.data();
  backward.projections[0].h = forward.projections[0].h;
  backward.projections[0].weight = weight;
  backward.projections[0].lora_a = forward.projections[0].lora_a;
  backward.projections[0].lora_b = forward.projections[0].lora_b;
  backward.dx = r.dx.data();
  backward.projections[0].d_lora_a = adapts ? r.d_a.floats() : nullptr;
  backward.projections[0].d_lora_b = adapts ? r.d_b.floats() : nullptr;
  backward.projections[0].d_weight = r.d_w.floats();
  backward.projections[0].d_bias = r.d_bias.floats();
  backward.rng = &l.rng;
  backward.rows = c.rows;
  backward.site = 3;
  backward.projections[0].rank = c.rank;
  backward.projections[0].scaling = 0.5f;
  backward.dropout = c.dropout;
  backward.accumulate = c.accumulate;
  backward.dtype = c.dtype;
  CHECK(engine.run(SARTOR_OP_LORA_LINEAR_BACKWARD, backward) == SARTOR_OK, "%s", engine.message());
  return r;
}

void plus(std::vector<double> &v, double x) {
  for (double &e : v) e += x;
}

void run_case(const Case &c) {
  Layer layer(c);
  for (std::vector<double> *gradient : {&layer.d_a, &layer.d_b, &layer.d_w, &layer.d_bias}) plus(*gradient, 0.25);
  for (auto &isa : check::instruction_sets()) {
    Engine one(isa, 1);
    Results r = run(layer, one);
    const bool half = c.dtype == SARTOR_BFLOAT16;
    /* Sums of n products of numbers up to 1: rounding grows like sqrt(n). In bfloat16 the adapter's
     * h, g and weights are rounded too, relative to their own size of about sqrt(n / 3). */
    const double f = 3e-7, n_in = std::sqrt(double(c.in)), n_out = std::sqrt(double(c.out)),
                 n_rows = std::sqrt(double(c.rows));
    const double rank = 0.5 * std::sqrt(double(c.rank)) / (1 - c.dropout);
    const double t = half ? 0x1p-8 : 0, e = half ? 0x1p-8 : f;
    auto text = [&](const char *what) { return describe(c, isa.c_str(), what); };
    /* A packed float32 weight meets bfloat16 activations as bfloat16. */
    const double rounded = half && c.weight_dtype != SARTOR_BFLOAT16 ? 0x1p-8 : 0;
    check::compare(text("y").c_str(), r.y, layer.y, 4 * f * n_in + e * rank * n_in * 2 + rounded * n_in, t + f);
    check::compare(text("h").c_str(), r.h, layer.h, 4 * f * n_in + (half ? 0x1p-8 * n_in : 0) / (1 - c.dropout), f);
    check::compare(text("dx").c_str(), r.dx, layer.dx, 8 * f * n_out + e * rank * n_out * 2 + rounded * n_out, t + f);
    check::compare(text("dA").c_str(), r.d_a, layer.d_a, 4 * e * n_rows * (n_out + 1) / (1 - c.dropout), f);
    check::compare(text("dB").c_str(), r.d_b, layer.d_b, 4 * e * n_rows * (n_in + 1) / (1 - c.dropout), f);
    check::compare(text("dW").c_str(), r.d_w, layer.d_w, 4 * f * n_rows, f);
    check::compare(text("dbias").c_str(), r.d_bias, layer.d_bias, 4 * f * n_rows, f);
    for (int threads : {2, 3}) {
      Engine more(isa, threads);
      CHECK(run(layer, more) == r, "%s: %d threads give other bits than one", text("all").c_str(), threads);
    }
  }
}

void refusals() {
  Engine engine("portable", 1);
  float data[64] = {};
  sartor_lora_linear a{};
  a.projection_count = 1;
  a.projections[0].weight = {data, 4, 4, SARTOR_ROW_MAJOR, SARTOR_FLOAT32, {}};
  a.rows = 2;
  CHECK(engine.run(SARTOR_OP_LORA_LINEAR, a) == SARTOR_BAD_ARGUMENT, "null x");
  CHECK(std::strstr(engine.message(), "x is null"), "%s", engine.message());
  a.x = data;
  CHECK(engine.run(SARTOR_OP_LORA_LINEAR, a) == SARTOR_BAD_ARGUMENT, "null y");
  CHECK(std::strstr(engine.message(), "y of projections[0] is null"), "%s", engine.message());
  a.projections[0].y = data + 32;
  CHECK(engine.run(SARTOR_OP_LORA_LINEAR, a) == SARTOR_OK, "%s", engine.message());
  auto refused = [&](auto change, const char *part) {
    sartor_lora_linear bad = a;
    change(bad);
    CHECK(engine.run(SARTOR_OP_LORA_LINEAR, bad) == SARTOR_BAD_ARGUMENT, "%s", part);
    CHECK(std::strstr(engine.message(), part), "\"%s\" has no \"%s\"", engine.message(), part);
  };
  refused([](auto &b) { b.rows = -1; }, "rows is -1");
  refused([](auto &b) { b.projections[0].rank = 2; }, "lora_a or lora_b is null");
  refused([](auto &b) { b.projections[0].rank = -2; }, "rank is -2");
  refused([](auto &b) { b.dropout = 1; }, "dropout is 1");
  refused([](auto &b) { b.projections[0].weight.data = nullptr; }, "weight.data is null");
  refused([](auto &b) { b.projections[0].weight.rows = -4; }, "must not be negative");
  refused([](auto &b) { b.projections[0].weight.layout = 9; }, "layout 9");
  refused([](auto &b) { b.projections[0].weight.dtype = SARTOR_INT32; }, "dtype 3");
  refused([](auto &b) { b.projections[0].weight.dtype = SARTOR_FLOAT16, b.projections[0].weight.layout = SARTOR_PACKED; }, "cannot be packed");
  refused([](auto &b) { b.dtype = SARTOR_FLOAT16; }, "dtype 2");
  refused([](auto &b) { b.projection_count = 0; }, "projection_count is 0");
  refused([](auto &b) { b.projection_count = 4; }, "projection_count is 4");
  refused([](auto &b) { b.projection_count = 2; }, "weight.data is null");
  refused([](auto &b) {
    b.projection_count = 2;
    b.projections[1] = b.projections[0];
    b.projections[1].weight.columns = 3;
  }, "projections[1] has 3 columns, the first 4");
  refused([](auto &b) {
    b.projection_count = 2, b.dropout = 0.5f;
    b.projections[1] = b.projections[0];
  }, "dropout is 0.5 with 2 projections");
  sartor_instruction big{SARTOR_OP_LORA_LINEAR, sizeof a, &a};
  sartor_failure failure;
  CHECK(sartor_submit(engine.get(), &big, 1, nullptr, 0, &failure) == SARTOR_SCRATCH_TOO_SMALL, "%s", failure.message);
}

}  // namespace

int main() {
  const int32_t f32 = SARTOR_FLOAT32, bf16 = SARTOR_BFLOAT16, f16 = SARTOR_FLOAT16;
  const int32_t packed = SARTOR_PACKED, rows = SARTOR_ROW_MAJOR;
  for (int64_t n : {1, 3, 7, 17, 63, 65, 130})
    for (int32_t dtype : {f32, bf16}) {
      run_case({n, n, n, 0, dtype, dtype, packed, 0, n % 2 == 1, false});
      run_case({n, 64, n + 1, 3, dtype, dtype, packed, 0, false, true});
      run_case({5, n, 17, 16, dtype, dtype, packed, 0.25f, true, false});
      run_case({n, 33, 10, 8, dtype, f32, rows, 0, true, true});
    }
  for (int32_t dtype : {f32, bf16}) {
    for (int32_t weight : {f32, bf16, f16}) run_case({11, 37, 70, 4, dtype, weight, rows, 0, true, false});
    for (int32_t weight : {f32, bf16}) run_case({11, 67, 71, 4, dtype, weight, packed, 0, true, false});
    /* More than one block of k, with a long adapter that gets its own, and more than one of rows. */
    run_case({9, 2100, 70, 5, dtype, dtype, packed, 0.5f, true, true});
    run_case({9, 70, 1101, 300, dtype, dtype, packed, 0, false, false});
    run_case({1601, 40, 20, 65, dtype, dtype, packed, 0, false, false});
  }
  refusals();
  return check::finish("lora_linear_test");
}
