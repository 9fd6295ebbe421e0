/* How a router distributed tokens: load, entropy, drops. Chunks of rows are summed apart in double, then in their
 * order, so that the bits do not depend on the number of threads. */
#include "ops/router.h"

namespace sartor::SARTOR_ISA {

namespace {

struct Layout {
  RowChunks chunks;
  int64_t sums;
  double *partials; /* [chunks, sums] */
  int64_t bytes;

  Layout(const sartor_router_statistics &op, char *scratch) : chunks(op.rows), sums((int64_t)op.experts + 3) {
    Scratch pieces{scratch};
    partials = pieces.take<double>(chunks.count * sums);
    bytes = pieces.used;
  }
};

bool has_sizes(const sartor_router_statistics &op) {
  return op.rows >= 1 && op.experts >= 1 && op.experts <= SARTOR_MAX_EXPERTS && op.top_k >= 1 && op.top_k <= op.experts;
}

/* In nats, of scores over their sum. */
float entropy(const float *scores, int64_t experts) {
  float sum = 0, weighted = 0;
  for (int64_t e = 0; e < experts; ++e) {
    sum += scores[e];
    weighted += scores[e] > 0 ? scores[e] * __builtin_logf(scores[e]) : 0.0f;
  }
  return sum > 0 ? __builtin_logf(sum) - weighted / sum : 0.0f;
}

template <class T>
void sum_chunk(const sartor_router_statistics &op, const Layout &layout, int64_t chunk) {
  float logits[room], scores[room];
  double *sums = layout.partials + chunk * layout.sums;
  for (int64_t i = 0; i < layout.sums; ++i) sums[i] = 0;
  for (int64_t row = layout.chunks.first(chunk); row < layout.chunks.last(chunk); ++row) {
    const double weight = op.token_weights ? op.token_weights[row] : 1.0;
    load_row((const T *)op.logits + row * op.experts, op.experts, logits);
    score(op.scoring, logits, op.experts, scores);
    for (int64_t a = row * op.top_k; a < (row + 1) * op.top_k; ++a) {
      sums[op.indices[a]] += weight;
      if (op.inverse[a] < 0) sums[op.experts + 1] += weight;
    }
    sums[op.experts] += weight * entropy(scores, op.experts);
    sums[op.experts + 2] += weight;
  }
}

} // namespace

int64_t router_statistics_scratch(int, const sartor_router_statistics &op) {
  return has_sizes(op) ? Layout(op, nullptr).bytes : 0;
}

int32_t router_statistics(Context &context, const sartor_router_statistics &op) {
  SARTOR_REQUIRE(has_sizes(op), "router_statistics: rows is %lld, experts %d, top_k %d: must be positive, experts at most %d, top_k of them",
                 (long long)op.rows, op.experts, op.top_k, SARTOR_MAX_EXPERTS);
  SARTOR_REQUIRE(op.scoring == SARTOR_SCORING_SOFTMAX || op.scoring == SARTOR_SCORING_SIGMOID, "router_statistics: unknown scoring %d",
                 op.scoring);
  SARTOR_REQUIRE_POINTER("router_statistics", op.logits);
  SARTOR_REQUIRE_POINTER("router_statistics", op.indices);
  SARTOR_REQUIRE_POINTER("router_statistics", op.inverse);
  SARTOR_REQUIRE_POINTER("router_statistics", op.statistics);
  for (int64_t a = 0; a < op.rows * op.top_k; ++a)
    if (op.indices[a] < 0 || op.indices[a] >= op.experts)
      return context.fail(SARTOR_BAD_INDEX, "router_statistics: indices[%lld] is %d, must be in [0, %d)", (long long)a, op.indices[a],
                          op.experts);
  return for_activation_dtype(context, "router_statistics", op.dtype, [&](auto type) {
    using T = decltype(type);
    const Layout layout(op, context.scratch);
    context.parallel(layout.chunks.count, [&](int64_t first, int64_t last, int) {
      for (int64_t chunk = first; chunk < last; ++chunk) sum_chunk<T>(op, layout, chunk);
    });
    for (int64_t i = 0; i < layout.sums; ++i) {
      double sum = 0;
      for (int64_t chunk = 0; chunk < layout.chunks.count; ++chunk) sum += layout.partials[chunk * layout.sums + i];
      op.statistics[i] = (float)sum;
    }
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
