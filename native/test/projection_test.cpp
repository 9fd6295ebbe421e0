/* logits, linear_cross_entropy and dora_scale against plain loops in double, and gradients
 * against finite differences. */
#include "arrays.h"
using namespace check;

namespace {

struct Projection {
  int64_t rows, in, vocabulary;
  bool bias;
  double softcap;
};
const Projection projections[] = {{1, 1, 1, false, 0}, {3, 7, 17, true, 0},     {9, 65, 130, true, 3},
                                  {30, 33, 65, false, 0}, {63, 17, 1030, true, 0}, {70, 64, 63, false, 2}};

/* A chunk has 96 MiB: this needs two in bfloat16 and three in float32. */
const Projection chunked = {90, 5, 800001, true, 0};

using Values = std::vector<double>;

double logit(const Projection &p, const Values &x, const Values &w, const Values &bias, int64_t t, int64_t v) {
  double sum = p.bias ? bias[static_cast<size_t>(v)] : 0;
  for (int64_t i = 0; i < p.in; ++i)
    sum += x[static_cast<size_t>(t * p.in + i)] * w[static_cast<size_t>(v * p.in + i)];
  return p.softcap > 0 ? p.softcap * std::tanh(sum / p.softcap) : sum;
}

struct Weight {
  Array data, packed;
  sartor_weight weight;
  Weight(Engine &engine, int64_t rows, int64_t columns, int32_t dtype, int32_t layout)
      : data(rows * columns, dtype),
        packed(layout == SARTOR_PACKED ? sartor_packed_bytes(rows, columns, dtype) / size_of(dtype) : 0, dtype) {
    data.randomize(0.5);
    weight = {data.data(), rows, columns, layout, dtype, {}};
    if (layout == SARTOR_PACKED) {
      sartor_pack pack{{data.data(), rows, columns, SARTOR_ROW_MAJOR, dtype, {}},
                       {packed.data(), rows, columns, SARTOR_PACKED, dtype, {}},
                       0};
      CHECK_RUNS(engine, SARTOR_OP_PACK, pack);
      weight.data = packed.data();
    }
  }
};

std::string test_logits(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes)
    for (int32_t layout : {SARTOR_ROW_MAJOR, SARTOR_PACKED})
      for (const Projection &p : projections) {
        Array x(p.rows * p.in, dtype), bias(p.vocabulary), y(p.rows * p.vocabulary);
        x.randomize(), bias.randomize();
        Weight w(engine, p.vocabulary, p.in, dtype, layout);
        sartor_logits op{x.data(),  w.weight, p.bias ? bias.floats() : nullptr,
                         y.floats(), p.rows,   static_cast<float>(p.softcap),
                         dtype};
        CHECK_RUNS(engine, SARTOR_OP_LOGITS, op);
        Values xs = x.values(), ws = w.data.values(), bs = bias.values(), expected;
        for (int64_t t = 0; t < p.rows; ++t)
          for (int64_t v = 0; v < p.vocabulary; ++v) expected.push_back(logit(p, xs, ws, bs, t, v));
        near(y, expected, std::sqrt(static_cast<double>(p.in)), "logits");
        out += y.bytes();
      }
  return out;
}

struct Expected {
  Values losses, dx, d_weight, d_bias;
};

/* Softmax and its gradient, by the textbook. */
Expected cross_entropy(const Projection &p, const Values &x, const Values &w, const Values &bias,
                       const std::vector<int32_t> &targets, const Values &token_weights) {
  Expected e;
  e.losses.assign(static_cast<size_t>(p.rows), 0);
  e.dx.assign(static_cast<size_t>(p.rows * p.in), 0);
  e.d_weight.assign(static_cast<size_t>(p.vocabulary * p.in), 0);
  e.d_bias.assign(static_cast<size_t>(p.vocabulary), 0);
  Values logits(static_cast<size_t>(p.vocabulary));
  for (int64_t t = 0; t < p.rows; ++t) {
    const int32_t target = targets[static_cast<size_t>(t)];
    if (target < 0) continue;
    double top = -INFINITY, sum = 0;
    for (int64_t v = 0; v < p.vocabulary; ++v) {
      logits[static_cast<size_t>(v)] = logit(p, x, w, bias, t, v);
      top = std::fmax(top, logits[static_cast<size_t>(v)]);
    }
    for (double l : logits) sum += std::exp(l - top);
    e.losses[static_cast<size_t>(t)] = top + std::log(sum) - logits[static_cast<size_t>(target)];
    for (int64_t v = 0; v < p.vocabulary; ++v) {
      const double l = logits[static_cast<size_t>(v)];
      double d = (std::exp(l - top) / sum - (v == target)) * token_weights[static_cast<size_t>(t)];
      if (p.softcap > 0) d *= 1 - l / p.softcap * l / p.softcap;
      e.d_bias[static_cast<size_t>(v)] += d;
      for (int64_t i = 0; i < p.in; ++i) {
        e.dx[static_cast<size_t>(t * p.in + i)] += d * w[static_cast<size_t>(v * p.in + i)];
        e.d_weight[static_cast<size_t>(v * p.in + i)] += d * x[static_cast<size_t>(t * p.in + i)];
      }
    }
  }
  return e;
}

std::string test_cross_entropy_of(Engine &engine, const Projection &p, int32_t dtype, int32_t layout,
                                  float step = 0) {
  Array x(p.rows * p.in, dtype), bias(p.vocabulary), losses(p.rows), dx(p.rows * p.in, dtype),
      d_weight(p.vocabulary * p.in), d_bias(p.vocabulary), token_weights(p.rows);
  x.randomize(), bias.randomize(), token_weights.randomize(), d_weight.fill(0), d_bias.fill(0);
  for (int64_t v = 64; v < p.vocabulary; ++v) bias.floats()[v] += step;
  Weight w(engine, p.vocabulary, p.in, dtype, layout);
  std::vector<int32_t> targets;
  for (int64_t t = 0; t < p.rows; ++t)
    targets.push_back(below(3) == 0 ? -100 : static_cast<int32_t>(below(p.vocabulary)));
  sartor_linear_cross_entropy op{};
  op.x = x.data();
  op.weight = w.weight;
  op.bias = p.bias ? bias.floats() : nullptr;
  op.targets = targets.data();
  op.token_weights = token_weights.floats();
  op.losses = losses.floats();
  op.dx = dx.data();
  op.d_weight = d_weight.floats();
  op.d_bias = d_bias.floats();
  op.rows = p.rows;
  op.softcap = static_cast<float>(p.softcap);
  op.dtype = dtype;
  CHECK_RUNS(engine, SARTOR_OP_LINEAR_CROSS_ENTROPY, op);
  Expected e = cross_entropy(p, x.values(), w.data.values(), bias.values(), targets, token_weights.values());
  /* In bfloat16 gradients of logits are rounded before they are multiplied and summed. */
  const double rounding = dtype == SARTOR_BFLOAT16 ? 2000 : 1;
  near(losses, e.losses, 4 + std::fabs(step), "losses", 2);
  near(dx, e.dx, 1, "dx", 2);
  near(d_weight, e.d_weight, 1, "d_weight", 2 * rounding);
  near(d_bias, e.d_bias, 1, "d_bias", 2 * rounding);
  std::string out = losses.bytes() + dx.bytes() + d_weight.bytes() + d_bias.bytes();
  /* Loss alone: the same losses, no gradient touched. */
  Array again(p.rows);
  op.losses = again.floats(), op.dx = nullptr, op.d_weight = op.d_bias = nullptr, op.token_weights = nullptr;
  CHECK_RUNS(engine, SARTOR_OP_LINEAR_CROSS_ENTROPY, op);
  CHECK(again.bytes() == losses.bytes(), "losses without gradients differ");
  return out;
}

std::string test_cross_entropy(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes)
    for (int32_t layout : {SARTOR_ROW_MAJOR, SARTOR_PACKED})
      for (const Projection &p : projections) out += test_cross_entropy_of(engine, p, dtype, layout);
  return out;
}

/* Logits far above and far below those of the first 64 tokens, which the exponentials start from:
 * beyond e^88 a float32 overflows. */
std::string test_far_logits(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes)
    for (float step : {50.0f, 200.0f, -200.0f})
      out += test_cross_entropy_of(engine, {9, 65, 200, true, 0}, dtype, SARTOR_PACKED, step);
  return out;
}

void test_chunks() {
  for (const std::string &isa : instruction_sets()) {
    Engine engine(isa, 2);
    for (int32_t dtype : activation_dtypes) test_cross_entropy_of(engine, chunked, dtype, SARTOR_PACKED);
    if (isa != "portable") break; /* one fast path is enough for the cutting into chunks */
  }
}

void test_refusals() {
  Engine engine("portable", 1);
  float x[4] = {}, w[8] = {}, losses[2];
  int32_t targets[2] = {1, 4};
  sartor_linear_cross_entropy op{};
  op.x = x, op.weight = {w, 4, 2, SARTOR_ROW_MAJOR, SARTOR_FLOAT32, {}}, op.targets = targets, op.losses = losses;
  op.rows = 2;
  CHECK_FAILS(engine, SARTOR_OP_LINEAR_CROSS_ENTROPY, op, SARTOR_BAD_INDEX, "targets[1] is 4");
  op.targets = nullptr;
  CHECK_FAILS(engine, SARTOR_OP_LINEAR_CROSS_ENTROPY, op, SARTOR_BAD_ARGUMENT, "null");
  op.rows = -1;
  CHECK_FAILS(engine, SARTOR_OP_LINEAR_CROSS_ENTROPY, op, SARTOR_BAD_ARGUMENT, "rows is -1");
}

std::string test_dora(Engine &engine) {
  std::string out_bytes;
  const int64_t sizes[][3] = {{1, 9, 1}, {3, 17, 2}, {65, 130, 8}, {130, 300, 16}};
  for (auto &[out, in, rank] : sizes)
    for (int32_t dtype : activation_dtypes)
      for (int32_t layout : {SARTOR_ROW_MAJOR, SARTOR_PACKED}) {
        Weight w(engine, out, in, dtype, layout);
        Array a(rank * in), b(out * rank), magnitude(out), scale(out), norm(out);
        a.randomize(), b.randomize(), magnitude.randomize();
        sartor_dora_scale op{w.weight,     a.floats(),    b.floats(), magnitude.floats(),
                             scale.floats(), norm.floats(), static_cast<int32_t>(rank), 0.5f};
        CHECK_RUNS(engine, SARTOR_OP_DORA_SCALE, op);
        Values norms, scales;
        for (int64_t o = 0; o < out; ++o) {
          double squares = 0;
          for (int64_t i = 0; i < in; ++i) {
            double v = w.data[o * in + i];
            for (int64_t r = 0; r < rank; ++r) v += 0.5 * b[o * rank + r] * a[r * in + i];
            squares += v * v;
          }
          norms.push_back(std::sqrt(squares));
          scales.push_back(magnitude[o] / norms.back());
        }
        near(norm, norms, 0.1, "norm"), near(scale, scales, 0.1, "scale");
        Array norm_alone(out);
        op.magnitude = nullptr, op.scale = nullptr, op.norm = norm_alone.floats();
        CHECK_RUNS(engine, SARTOR_OP_DORA_SCALE, op);
        CHECK(norm_alone.bytes() == norm.bytes(), "the norm does not depend on whether a scale is wanted");
        op.magnitude = magnitude.floats();
        CHECK_FAILS(engine, SARTOR_OP_DORA_SCALE, op, SARTOR_BAD_ARGUMENT, "go together");
        out_bytes += norm.bytes() + scale.bytes();
      }
  return out_bytes;
}

}  // namespace

int main() {
  on_every_path(test_logits);
  on_every_path(test_cross_entropy);
  on_every_path(test_far_logits);
  on_every_path(test_dora);
  test_chunks();
  test_refusals();
  return finish("projection_test");
}
