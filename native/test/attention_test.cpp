/* attention and attention_backward against plain loops in double; the loops' gradients against
 * finite differences. */
#include <array>

#include "arrays.h"
using namespace check;

struct Shape {
  int64_t batch, queries, keys;
  int32_t heads, kv_heads, head_dim, window;
  float softcap;
  enum Mask { causal, all, packed, padded, scattered } mask;
  float sign = 1; /* of the scale */
};

static const Shape shapes[] = {
    {2, 5, 5, 2, 1, 8, 0, 0, Shape::causal},          {1, 70, 70, 4, 2, 16, 0, 0, Shape::causal},
    {1, 130, 130, 2, 2, 24, 0, 0, Shape::packed},     {2, 64, 64, 3, 1, 64, 0, 0, Shape::causal},
    {1, 33, 190, 2, 1, 80, 0, 30, Shape::scattered},  {1, 200, 200, 2, 2, 17, 50, 0, Shape::causal},
    {1, 129, 65, 1, 1, 128, 0, 5, Shape::all},        {2, 40, 40, 2, 2, 33, 0, 0, Shape::padded},
    {1, 7, 7, 1, 1, 1, 0, 0, Shape::causal},          {1, 6, 300, 2, 1, 256, 0, 0, Shape::scattered},
    {3, 1, 600, 6, 2, 64, 0, 0, Shape::scattered},    {1, 3, 530, 4, 1, 40, 100, 20, Shape::scattered},
    {1, 2, 0, 2, 2, 8, 0, 0, Shape::all},             {1, 90, 2100, 2, 1, 8, 0, 0, Shape::all},
    {1, 9, 0, 2, 2, 8, 0, 0, Shape::all},
    /* More than one span of keys; scores that grow all along; fewer heads at a time than share keys. */
    {1, 1100, 1100, 2, 1, 16, 0, 0, Shape::causal},   {1, 70, 1500, 3, 1, 8, 700, 0, Shape::scattered},
    {1, 290, 290, 8, 1, 64, 0, 0, Shape::causal},     {2, 150, 150, 2, 1, 40, 0, 0, Shape::packed, -1},
    /* With two threads two heads at a time, of groups of three: the second two end one group and begin another. */
    {1, 520, 520, 9, 3, 64, 30, 0, Shape::causal},
};

/* One attention problem: tensors whose rows have gaps, so that strides are used. */
struct Problem {
  const Shape &s;
  int32_t dtype;
  int64_t q_stride, k_stride, v_stride;
  float scale;
  Array q, k, v, d_o;
  std::vector<int32_t> begin, end;

  Problem(const Shape &shape, int32_t type)
      : s(shape),
        dtype(type),
        q_stride(s.heads * s.head_dim + 5),
        k_stride(s.kv_heads * s.head_dim + 2),
        v_stride(s.kv_heads * s.head_dim + 9),
        scale(s.sign * static_cast<float>(1 / std::sqrt(static_cast<double>(s.head_dim)))),
        q(s.batch * s.queries * q_stride, type),
        k(s.batch * s.keys * k_stride, type),
        v(s.batch * s.keys * v_stride, type),
        d_o(s.batch * s.queries * s.heads * s.head_dim, type) {
    /* What lies in the gaps must not matter: it is NaN. */
    spread(q, q_stride, s.heads * s.head_dim, 2), spread(k, k_stride, s.kv_heads * s.head_dim, 2);
    spread(v, v_stride, s.kv_heads * s.head_dim, 1), d_o.randomize();
    for (int64_t b = 0; b < s.batch; b++)
      for (int64_t i = 0; i < s.queries; i++) {
        int64_t from = 0, to = s.keys;
        switch (s.mask) {
          case Shape::causal: to = i + 1; break;
          case Shape::all: break;
          case Shape::packed: from = i < 50 ? 0 : i < 51 ? 50 : 51, to = i + 1; break;
          case Shape::padded: from = b * 7, to = i + 1; break; /* the first rows see nothing */
          case Shape::scattered:
            from = below(s.keys), to = from + below(s.keys - from + 1);
            if (i % 5 == 4) to = from / 2; /* empty, end before begin */
            break;
        }
        begin.push_back(static_cast<int32_t>(from)), end.push_back(static_cast<int32_t>(to));
      }
  }
  static void spread(Array &a, int64_t stride, int64_t width, double deviation) {
    for (int64_t i = 0; i < a.count(); i++) a.set(i, i % stride < width ? deviation * normal() : NAN);
  }
  int64_t first_key(int64_t query) const {
    int64_t from = begin[static_cast<size_t>(query)], to = end[static_cast<size_t>(query)];
    return s.window > 0 ? std::max(from, to - s.window) : from;
  }
};

struct Result {
  std::vector<double> o, log_sum_exp, dq, dk, dv;
};

/* The definition, in double. Gradients too where asked for. */
static Result reference(const Problem &p, const std::vector<double> &q, const std::vector<double> &k,
                        const std::vector<double> &v, bool gradients) {
  const Shape &s = p.s;
  Result r;
  r.o.resize(static_cast<size_t>(p.d_o.count()));
  r.log_sum_exp.assign(static_cast<size_t>(s.batch * s.heads * s.queries), -INFINITY);
  r.dq.resize(q.size()), r.dk.resize(k.size()), r.dv.resize(v.size());
  auto at = [](auto &vector, int64_t i) -> auto & { return vector[static_cast<size_t>(i)]; };
  for (int64_t b = 0; b < s.batch; b++)
    for (int64_t h = 0; h < s.heads; h++)
      for (int64_t i = 0; i < s.queries; i++) {
        int64_t query = b * s.queries + i, from = p.first_key(query), to = at(p.end, query);
        int64_t kv = h / (s.heads / s.kv_heads), q0 = query * p.q_stride + h * s.head_dim,
                o0 = (query * s.heads + h) * s.head_dim;
        if (from >= to) continue;
        std::vector<double> scores(static_cast<size_t>(to - from)), slopes(scores);
        double largest = -INFINITY, total = 0;
        for (int64_t j = from; j < to; j++) {
          double dot = 0;
          for (int64_t d = 0; d < s.head_dim; d++)
            dot += at(q, q0 + d) * at(k, (b * s.keys + j) * p.k_stride + kv * s.head_dim + d);
          dot *= p.scale;
          double t = s.softcap > 0 ? std::tanh(dot / s.softcap) : 0;
          at(scores, j - from) = s.softcap > 0 ? s.softcap * t : dot;
          at(slopes, j - from) = 1 - t * t;
          largest = std::max(largest, at(scores, j - from));
        }
        for (double &x : scores) total += x = std::exp(x - largest);
        at(r.log_sum_exp, (b * s.heads + h) * s.queries + i) = largest + std::log(total);
        double delta = 0;
        for (int64_t j = from; j < to; j++)
          for (int64_t d = 0; d < s.head_dim; d++) {
            double add = at(scores, j - from) / total * at(v, (b * s.keys + j) * p.v_stride + kv * s.head_dim + d);
            at(r.o, o0 + d) += add;
            delta += add * p.d_o[o0 + d];
          }
        if (!gradients) continue;
        for (int64_t j = from; j < to; j++) {
          double probability = at(scores, j - from) / total, dp = 0;
          int64_t k0 = (b * s.keys + j) * p.k_stride + kv * s.head_dim, v0 = (b * s.keys + j) * p.v_stride + kv * s.head_dim;
          for (int64_t d = 0; d < s.head_dim; d++) {
            dp += p.d_o[o0 + d] * at(v, v0 + d);
            at(r.dv, v0 + d) += probability * p.d_o[o0 + d];
          }
          double ds = probability * (dp - delta) * at(slopes, j - from) * p.scale;
          for (int64_t d = 0; d < s.head_dim; d++) {
            at(r.dq, q0 + d) += ds * at(k, k0 + d);
            at(r.dk, k0 + d) += ds * at(q, q0 + d);
          }
        }
      }
  return r;
}

/* Only the columns below width of each row; the gaps must still hold the guard value. */
static void near_rows(const Array &actual, const std::vector<double> &expected, int64_t stride, int64_t width,
                      double scale, const char *what, double factor) {
  for (int64_t i = 0; i < actual.count(); i++) {
    double a = actual[i], e = expected[static_cast<size_t>(i)];
    if (i % stride >= width) {
      CHECK(std::isnan(a), "%s: written between the rows, at %lld", what, static_cast<long long>(i));
      continue;
    }
    double allowed = factor * tolerance(actual.dtype()) * (std::fabs(e) + scale);
    CHECK(std::fabs(a - e) <= allowed, "%s: element %lld is %.9g, expected %.9g", what, static_cast<long long>(i), a, e);
    if (!(std::fabs(a - e) <= allowed)) return;
  }
}

static std::string test(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes)
    for (const Shape &s : shapes) {
      int before = failures;
      Problem p(s, dtype);
      Result expected = reference(p, p.q.values(), p.k.values(), p.v.values(), true);
      Array o(p.d_o.count(), dtype), log_sum_exp(s.batch * s.heads * s.queries);
      sartor_attention op{p.q.data(), p.k.data(), p.v.data(), o.data(), log_sum_exp.floats(), p.begin.data(),
                          p.end.data(), s.batch, s.queries, s.keys, p.q_stride, p.k_stride, p.v_stride, s.heads,
                          s.kv_heads, s.head_dim, s.window, p.scale, s.softcap, dtype};
      CHECK_RUNS(engine, SARTOR_OP_ATTENTION, op);
      near(o, expected.o, 0.5, "o", dtype == SARTOR_FLOAT32 ? 6 : 2);
      near(log_sum_exp, expected.log_sum_exp, 1, "log_sum_exp", 2);
      const int64_t dq_stride = p.q_stride + 1, dk_stride = p.k_stride, dv_stride = p.v_stride;
      Array dq(s.batch * s.queries * dq_stride, dtype), dk(p.k.count(), dtype), dv(p.v.count(), dtype);
      sartor_attention_backward backward{
          p.d_o.data(), p.q.data(), p.k.data(), p.v.data(), o.data(), log_sum_exp.floats(), p.begin.data(), p.end.data(),
          dq.data(), dk.data(), dv.data(), s.batch, s.queries, s.keys, p.q_stride, p.k_stride, p.v_stride, dq_stride,
          dk_stride, dv_stride, s.heads, s.kv_heads, s.head_dim, s.window, p.scale, s.softcap, dtype};
      CHECK_RUNS(engine, SARTOR_OP_ATTENTION_BACKWARD, backward);
      std::vector<double> dq_expected(static_cast<size_t>(dq.count()));
      for (int64_t t = 0; t < s.batch * s.queries; t++)
        for (int64_t c = 0; c < s.heads * s.head_dim; c++)
          dq_expected[static_cast<size_t>(t * dq_stride + c)] = expected.dq[static_cast<size_t>(t * p.q_stride + c)];
      near_rows(dq, dq_expected, dq_stride, s.heads * s.head_dim, 1, "dq", 10);
      /* Sums over the heads of a group: their roundings add up like independent ones. */
      const double heads = std::sqrt(static_cast<double>(s.heads / s.kv_heads));
      near_rows(dk, expected.dk, dk_stride, s.kv_heads * s.head_dim, 1, "dk", 10 * heads);
      near_rows(dv, expected.dv, dv_stride, s.kv_heads * s.head_dim, 1, "dv", 10 * heads);
      if (failures > before)
        std::printf("  ... batch %lld, %lld queries, %lld keys, %d/%d heads of %d, window %d, softcap %g, dtype %d\n",
                    (long long)s.batch, (long long)s.queries, (long long)s.keys, s.heads, s.kv_heads, s.head_dim,
                    s.window, (double)s.softcap, dtype);
      out += o.bytes() + log_sum_exp.bytes() + dq.bytes() + dk.bytes() + dv.bytes();
    }
  return out;
}

/* The reference's own gradients, so that what the kernels are held to is right. */
static void finite_differences() {
  for (size_t shape : {size_t{0}, size_t{4}, size_t{7}, size_t{11}}) {
    Problem p(shapes[shape], SARTOR_FLOAT32);
    std::vector<double> inputs[] = {p.q.values(), p.k.values(), p.v.values()};
    Result exact = reference(p, inputs[0], inputs[1], inputs[2], true);
    const std::vector<double> *gradients[] = {&exact.dq, &exact.dk, &exact.dv};
    for (int which = 0; which < 3; which++)
      for (int count = 0; count < 8; count++) {
        int64_t i = below(static_cast<int64_t>(inputs[which].size()));
        if (std::isnan(inputs[which][static_cast<size_t>(i)])) continue;
        double numeric = slope(
            [&](const std::vector<double> &x) {
              Result r = reference(p, which == 0 ? x : inputs[0], which == 1 ? x : inputs[1], which == 2 ? x : inputs[2],
                                   false);
              double loss = 0;
              for (int64_t j = 0; j < p.d_o.count(); j++) loss += r.o[static_cast<size_t>(j)] * p.d_o[j];
              return loss;
            },
            inputs[which], i);
        double value = (*gradients[which])[static_cast<size_t>(i)];
        CHECK(std::fabs(value - numeric) <= 1e-6 * (1 + std::fabs(numeric)), "gradient %d is %.9g, by differences %.9g",
              which, value, numeric);
      }
  }
}

/* Against one more key in double, whose value is 0. */
static std::string sinks(Engine &engine) {
  std::string out;
  for (int32_t dtype : activation_dtypes)
    for (auto [queries, heads, head_dim] : {std::array<int64_t, 3>{1, 1, 1}, {5, 3, 17}, {70, 2, 64}}) {
      Array o(queries * heads * head_dim, dtype), d_o(o.count(), dtype), lse(heads * queries), sink(heads), d_sink(heads);
      o.randomize(), d_o.randomize(), lse.randomize(2), sink.randomize(2), d_sink.fill(1);
      const std::vector<double> before = o.values(), sums = lse.values();
      sartor_attention_sink op{o.data(), lse.floats(), sink.floats(), 1, queries, static_cast<int32_t>(heads),
                               static_cast<int32_t>(head_dim), dtype};
      CHECK_RUNS(engine, SARTOR_OP_ATTENTION_SINK, op);
      std::vector<double> expected(before), gradient(static_cast<size_t>(heads), 1.0);
      for (int64_t i = 0; i < o.count(); i++) {
        const int64_t h = i / head_dim % heads, query = i / head_dim / heads;
        const double kept = 1 / (1 + std::exp(sink[h] - sums[static_cast<size_t>(h * queries + query)]));
        expected[static_cast<size_t>(i)] *= kept;
        gradient[static_cast<size_t>(h)] -= (1 - kept) * d_o[i] * o[i];
      }
      near(o, expected, 1, "attention_sink");
      sartor_attention_sink_backward back{d_o.data(), o.data(), lse.floats(), sink.floats(), d_sink.floats(), 1, queries,
                                          static_cast<int32_t>(heads), static_cast<int32_t>(head_dim), dtype};
      CHECK_RUNS(engine, SARTOR_OP_ATTENTION_SINK_BACKWARD, back);
      near(d_sink, gradient, 4, "attention_sink's d_sinks", 4);
      out += o.bytes() + lse.bytes() + d_sink.bytes();
      op.heads = 0;
      CHECK_FAILS(engine, SARTOR_OP_ATTENTION_SINK, op, SARTOR_BAD_ARGUMENT, "must be positive");
    }
  return out;
}

static void refusals() {
  Engine engine(instruction_sets().front(), 1);
  Array x(64), lse(4);
  int32_t begin[] = {0, 0}, end[] = {1, 3};
  sartor_attention op{x.data(), x.data(), x.data(), x.data(), lse.floats(), begin, end, 1, 2, 2, 8, 8, 8, 2, 2, 4, 0, 1, 0, 0};
  CHECK_FAILS(engine, SARTOR_OP_ATTENTION, op, SARTOR_BAD_INDEX, "query 1 of row 0 attends to keys [0, 3), must be in [0, 2)");
  op.kv_heads = 3;
  CHECK_FAILS(engine, SARTOR_OP_ATTENTION, op, SARTOR_BAD_ARGUMENT, "multiple of kv_heads");
  op.kv_heads = 0;
  CHECK_FAILS(engine, SARTOR_OP_ATTENTION, op, SARTOR_BAD_ARGUMENT, "multiple of kv_heads");
  sartor_attention_backward backward{};
  backward.heads = 1, backward.kv_heads = 2, backward.head_dim = 4;
  CHECK_FAILS(engine, SARTOR_OP_ATTENTION_BACKWARD, backward, SARTOR_BAD_ARGUMENT, "multiple of kv_heads");
  op.kv_heads = 2, op.k_stride = 7;
  CHECK_FAILS(engine, SARTOR_OP_ATTENTION, op, SARTOR_BAD_ARGUMENT, "strides");
}

int main() {
  finite_differences();
  on_every_path(test);
  on_every_path(sinks);
  refusals();
  return finish("attention");
}
