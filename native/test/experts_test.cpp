/* A layer of experts, from logits to the weighted sum and back, against one token after the other in double. */
#include "arrays.h"
using namespace check;

namespace {

using Values = std::vector<double>;
using Ints = std::vector<int32_t>;

struct Layer {
  int64_t tokens, in, out;
  int32_t experts, top_k, rank;
  int64_t capacity;
  double skew; /* added to the last expert's logits */
};
const Layer layers[] = {{1, 1, 1, 1, 1, 1, 0, 0},   {1, 17, 5, 8, 2, 3, 0, 0},  {23, 33, 65, 5, 2, 4, 0, 0},
                        {40, 64, 70, 7, 3, 1, 5, 9}, {90, 20, 130, 4, 1, 8, 0, 50}};

size_t at(int64_t i) { return static_cast<size_t>(i); }

/* The first and every third expert without an adapter. */
Ints adapters_of(int32_t experts, int32_t &count) {
  Ints adapters;
  count = 0;
  for (int32_t e = 0; e < experts; ++e) adapters.push_back(experts > 1 && e % 3 == 0 ? -1 : count++);
  return adapters;
}

std::string test_layer(Engine &engine, const Layer &l, int32_t dtype) {
  const int64_t rows = l.tokens * l.top_k;
  Array logits(l.tokens * l.experts, dtype), weights(rows);
  logits.randomize();
  for (int64_t t = 0; t < l.tokens; ++t) logits.set((t + 1) * l.experts - 1, logits[(t + 1) * l.experts - 1] + l.skew);
  Ints indices(at(rows)), offsets(at(l.experts + 1)), permutation(at(rows)), inverse(at(rows)), load(at(l.experts));
  sartor_route route{logits.data(), nullptr, indices.data(), weights.floats(), l.tokens, l.experts, l.top_k, 1, 1, SARTOR_GROUP_MAX,
                     SARTOR_SCORING_SOFTMAX, 1, 1.0f, dtype};
  CHECK_RUNS(engine, SARTOR_OP_ROUTE, route);
  for (int64_t t = 0; t < l.tokens; ++t) {
    double sum = 0;
    for (int32_t j = 0; j < l.top_k; ++j) {
      sum += weights[t * l.top_k + j];
      CHECK(j == 0 || weights[t * l.top_k + j] <= weights[t * l.top_k + j - 1], "choices are not in order");
    }
    CHECK(std::fabs(sum - 1) < 1e-5, "weights add up to %g", sum);
  }
  sartor_dispatch dispatch{indices.data(), offsets.data(), permutation.data(), inverse.data(), load.data(), rows, l.capacity, l.experts};
  CHECK_RUNS(engine, SARTOR_OP_DISPATCH, dispatch);
  for (int64_t a = 0; a < rows; ++a) {
    const int32_t row = inverse[at(a)], e = indices[at(a)];
    if (row < 0) continue;
    CHECK(permutation[at(row)] == a && row >= offsets[at(e)] && row < offsets[at(e + 1)], "assignment %lld at row %d",
          static_cast<long long>(a), row);
  }
  int32_t adapter_count = 0;
  Ints adapters = adapters_of(l.experts, adapter_count);
  Array x(l.tokens * l.in, dtype), w(l.experts * l.out * l.in, dtype), bias(l.experts * l.out), y(rows * l.out, dtype), h(rows * l.rank),
      a(adapter_count * l.rank * l.in), b(adapter_count * l.out * l.rank), out(l.tokens * l.out, dtype);
  x.randomize(), w.randomize(1 / std::sqrt(l.in)), bias.randomize(), a.randomize(1 / std::sqrt(l.in)), b.randomize(0.5);
  std::vector<sartor_weight> experts;
  for (int32_t e = 0; e < l.experts; ++e)
    experts.push_back({static_cast<char *>(w.data()) + e * l.out * l.in * size_of(dtype), l.out, l.in, SARTOR_ROW_MAJOR, dtype, {}});
  sartor_grouped_linear linear{x.data(), offsets.data(), permutation.data(), adapters.data(),
                               {{experts.data(), bias.floats(), a.floats(), b.floats(), y.data(), h.floats(), l.out, l.rank, 0.5f}},
                               rows, l.in, l.experts, adapter_count, l.top_k, 1, dtype};
  CHECK_RUNS(engine, SARTOR_OP_GROUPED_LINEAR, linear);
  sartor_combine combine{y.data(), weights.floats(), inverse.data(), out.data(), l.tokens, l.out, l.top_k, dtype};
  CHECK_RUNS(engine, SARTOR_OP_COMBINE, combine);

  Values expected(at(l.tokens * l.out));
  for (int64_t t = 0; t < l.tokens; ++t)
    for (int32_t j = 0; j < l.top_k; ++j) {
      const int32_t e = indices[at(t * l.top_k + j)], adapter = adapters[at(e)];
      if (inverse[at(t * l.top_k + j)] < 0) continue;
      for (int64_t o = 0; o < l.out; ++o) {
        double sum = bias[e * l.out + o];
        for (int64_t i = 0; i < l.in; ++i) {
          double weight = w[(e * l.out + o) * l.in + i];
          for (int64_t r = 0; adapter >= 0 && r < l.rank; ++r)
            weight += 0.5 * b[(adapter * l.out + o) * l.rank + r] * a[(adapter * l.rank + r) * l.in + i];
          sum += weight * x[t * l.in + i];
        }
        expected[at(t * l.out + o)] += weights[t * l.top_k + j] * sum;
      }
    }
  near(out, expected, 3, "out", 4);

  /* Back, everything asked for; what it adds to starts at zero. */
  Array d_out(l.tokens * l.out, dtype), dy(rows * l.out, dtype), d_weights(rows), dx(l.tokens * l.in, dtype), d_a(a.count()),
      d_b(b.count()), d_w(w.count()), d_bias(bias.count()), d_logits(logits.count(), dtype);
  d_out.randomize(), d_a.fill(0), d_b.fill(0), d_w.fill(0), d_bias.fill(0);
  sartor_combine_backward back{d_out.data(), y.data(), weights.floats(), inverse.data(), dy.data(), d_weights.floats(),
                               l.tokens, l.out, l.top_k, dtype};
  CHECK_RUNS(engine, SARTOR_OP_COMBINE_BACKWARD, back);
  sartor_grouped_linear_backward gradient{
      x.data(), dx.data(), offsets.data(), permutation.data(), inverse.data(), adapters.data(),
      {{dy.data(), h.floats(), experts.data(), a.floats(), b.floats(), d_a.floats(), d_b.floats(), d_w.floats(), d_bias.floats(),
        l.out, l.rank, 0.5f}},
      rows, l.in, l.experts, adapter_count, l.top_k, 1, 0, dtype};
  CHECK_RUNS(engine, SARTOR_OP_GROUPED_LINEAR_BACKWARD, gradient);
  sartor_route_backward routed{d_weights.floats(), logits.data(), indices.data(), d_logits.data(), l.tokens, l.experts, l.top_k,
                               SARTOR_SCORING_SOFTMAX, 1, 1.0f, 0, dtype};
  CHECK_RUNS(engine, SARTOR_OP_ROUTE_BACKWARD, routed);
  Values expected_w(at(w.count())), expected_bias(at(bias.count()));
  for (int64_t s = 0; s < rows; ++s) {
    const int64_t row = inverse[at(s)], t = s / l.top_k;
    if (row < 0) continue;
    for (int64_t o = 0; o < l.out; ++o) {
      const int64_t unit = indices[at(s)] * l.out + o;
      expected_bias[at(unit)] += dy[row * l.out + o];
      for (int64_t i = 0; i < l.in; ++i) expected_w[at(unit * l.in + i)] += dy[row * l.out + o] * x[t * l.in + i];
    }
  }
  near(d_w, expected_w, 6, "d_weight", 4);
  near(d_bias, expected_bias, 6, "d_bias", 4);
  std::string bytes = out.bytes() + y.bytes() + dx.bytes() + d_a.bytes() + d_b.bytes() + d_w.bytes() + d_weights.bytes() + d_logits.bytes();

  Array counted(l.tokens), statistics(l.experts + 3);
  for (int64_t t = 0; t < l.tokens; ++t) counted.set(t, t % 4 != 3);
  sartor_router_statistics distribution{logits.data(), indices.data(), inverse.data(), counted.floats(), statistics.floats(),
                                        l.tokens, l.experts, l.top_k, SARTOR_SCORING_SOFTMAX, dtype};
  CHECK_RUNS(engine, SARTOR_OP_ROUTER_STATISTICS, distribution);
  double total = 0, dropped = 0;
  for (int32_t e = 0; e < l.experts; ++e) total += statistics[e];
  for (int64_t s = 0; s < rows; ++s) dropped += s / l.top_k % 4 != 3 && inverse[at(s)] < 0;
  CHECK(total == statistics[l.experts + 2] * l.top_k && statistics[l.experts + 1] == dropped, "%g assignments of %g tokens, %g dropped",
        total, statistics[l.experts + 2], statistics[l.experts + 1]);
  CHECK(statistics[l.experts] >= 0 && statistics[l.experts] <= statistics[l.experts + 2] * std::log(l.experts) + 1e-3,
        "an entropy of %g", statistics[l.experts]);
  bytes += statistics.bytes();

  offsets[at(l.experts)] = static_cast<int32_t>(rows + 1);
  CHECK_FAILS(engine, SARTOR_OP_GROUPED_LINEAR, linear, SARTOR_BAD_INDEX, "offsets");
  CHECK_FAILS(engine, SARTOR_OP_GROUPED_LINEAR_BACKWARD, gradient, SARTOR_BAD_INDEX, "offsets");
  inverse[0] = static_cast<int32_t>(rows);
  CHECK_FAILS(engine, SARTOR_OP_COMBINE, combine, SARTOR_BAD_INDEX, "inverse[0]");
  indices[0] = l.experts;
  CHECK_FAILS(engine, SARTOR_OP_DISPATCH, dispatch, SARTOR_BAD_INDEX, "indices[0]");
  CHECK_FAILS(engine, SARTOR_OP_ROUTE_BACKWARD, routed, SARTOR_BAD_INDEX, "indices[0]");
  CHECK_FAILS(engine, SARTOR_OP_ROUTER_STATISTICS, distribution, SARTOR_BAD_INDEX, "indices[0]");
  route.top_k = l.experts + 1;
  CHECK_FAILS(engine, SARTOR_OP_ROUTE, route, SARTOR_BAD_ARGUMENT, "top_k");
  return bytes;
}

std::string test(Engine &engine) {
  std::string out;
  for (const Layer &l : layers)
    for (int32_t dtype : activation_dtypes) out += test_layer(engine, l, dtype);
  return out;
}

}  // namespace

int main() {
  on_every_path(test);
  return finish("experts");
}
