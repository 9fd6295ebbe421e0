/* Load-balancing loss and z-loss of all layers' routers, with their gradient. Chunks of rows are summed apart in
 * double, then in the order of layers and chunks, so that the bits do not depend on the number of threads. */
#include "ops/router.h"

namespace sartor::SARTOR_ISA {

namespace {

struct Layout {
  RowChunks chunks;
  int64_t sums; /* of a chunk: assignments and probabilities of each expert, weights, squares */
  double *partials; /* [layers, chunks, sums] */
  double *totals;   /* [sums] */
  float *slopes;    /* [experts]: the balancing loss's gradient to each probability of a token of weight 1 */
  int64_t bytes;

  Layout(const sartor_router_losses &op, char *scratch) : chunks(op.rows), sums(2 * (int64_t)op.experts + 2) {
    Scratch pieces{scratch};
    partials = pieces.take<double>(op.layers * chunks.count * sums);
    totals = pieces.take<double>(sums);
    slopes = pieces.take<float>(op.experts);
    bytes = pieces.used;
  }
};

bool has_sizes(const sartor_router_losses &op) {
  return op.layers >= 1 && op.rows >= 1 && op.experts >= 1 && op.experts <= SARTOR_MAX_EXPERTS;
}

/* Softmax of a row into scores; returns log(sum of exp(logits)). */
template <class T>
float open_row(const sartor_router_losses &op, int64_t layer, int64_t row, float *logits, float *scores) {
  load_row((const T *)op.logits[layer] + row * op.experts, op.experts, logits);
  const float largest = largest_of(logits, op.experts);
  const float sum = exponents(logits, op.experts, scores);
  each_vector(op.experts, [&](int64_t e, auto n) { store(scores + e, load(scores + e, n) / splat(sum), n); });
  return largest + __builtin_logf(sum);
}

float weight_of(const sartor_router_losses &op, int64_t row) { return op.token_weights ? op.token_weights[row] : 1.0f; }

template <class T>
void sum_chunk(const sartor_router_losses &op, const Layout &layout, int64_t layer, int64_t chunk) {
  float logits[room], scores[room];
  int32_t indices[SARTOR_MAX_EXPERTS];
  double *sums = layout.partials + (layer * layout.chunks.count + chunk) * layout.sums;
  for (int64_t i = 0; i < layout.sums; ++i) sums[i] = 0;
  for (int64_t row = layout.chunks.first(chunk); row < layout.chunks.last(chunk); ++row) {
    const double weight = weight_of(op, row);
    const double log_sum = open_row<T>(op, layer, row, logits, scores);
    Best best(indices, op.top_k);
    for (int32_t e = 0; e < op.experts; ++e) best.offer(e, logits[e]);
    for (int32_t j = 0; j < op.top_k; ++j) sums[indices[j]] += weight;
    for (int32_t e = 0; e < op.experts; ++e) sums[op.experts + e] += weight * scores[e];
    sums[2 * op.experts] += weight;
    sums[2 * op.experts + 1] += weight * log_sum * log_sum;
  }
}

/* The losses and the slopes; returns the sum of weights. */
double add_up(const sartor_router_losses &op, const Layout &layout) {
  double *totals = layout.totals;
  for (int64_t i = 0; i < layout.sums; ++i) {
    totals[i] = 0;
    for (int64_t part = 0; part < op.layers * layout.chunks.count; ++part) totals[i] += layout.partials[part * layout.sums + i];
  }
  const double weights = totals[2 * op.experts];
  double balance = 0;
  for (int32_t e = 0; e < op.experts; ++e) {
    const double slope = weights > 0 ? op.experts * totals[e] / (weights * weights) : 0;
    layout.slopes[e] = (float)(op.router_aux_loss_coef * slope);
    balance += slope * totals[op.experts + e];
  }
  op.losses[0] = (float)balance;
  op.losses[1] = weights > 0 ? (float)(totals[2 * op.experts + 1] / weights) : 0.0f;
  return weights;
}

template <class T>
void gradient_row(const sartor_router_losses &op, const Layout &layout, int64_t layer, int64_t row, double weights) {
  float logits[room], scores[room];
  const float log_sum = open_row<T>(op, layer, row, logits, scores);
  const float mean = sum_over(op.experts, [&](int64_t e, auto n) { return load(scores + e, n) * load(layout.slopes + e, n); });
  const float shift = weights > 0 ? (float)(op.router_z_loss_coef * 2.0 * log_sum / weights) - mean : 0.0f;
  const vf weight = splat((op.scale ? *op.scale : 1.0f) * weight_of(op, row));
  T *out = (T *)op.d_logits[layer] + row * op.experts;
  each_vector(op.experts, [&](int64_t e, auto n) {
    store(out + e, weight * load(scores + e, n) * (load(layout.slopes + e, n) + splat(shift)), n);
  });
}

} // namespace

int64_t router_losses_scratch(int, const sartor_router_losses &op) { return has_sizes(op) ? Layout(op, nullptr).bytes : 0; }

int32_t router_losses(Context &context, const sartor_router_losses &op) {
  SARTOR_REQUIRE(has_sizes(op), "router_losses: layers is %d, rows %lld, experts %d: must be positive, experts at most %d", op.layers,
                 (long long)op.rows, op.experts, SARTOR_MAX_EXPERTS);
  SARTOR_REQUIRE(op.top_k >= 1 && op.top_k <= op.experts, "router_losses: top_k is %d, must be 1 to %d experts", op.top_k, op.experts);
  SARTOR_REQUIRE_POINTER("router_losses", op.logits);
  SARTOR_REQUIRE_POINTER("router_losses", op.d_logits);
  SARTOR_REQUIRE_POINTER("router_losses", op.losses);
  for (int32_t i = 0; i < op.layers; ++i) SARTOR_REQUIRE(op.logits[i], "router_losses: logits[%d] is null", i);
  return for_activation_dtype(context, "router_losses", op.dtype, [&](auto type) {
    using T = decltype(type);
    const Layout layout(op, context.scratch);
    const int64_t chunks = layout.chunks.count;
    context.parallel(op.layers * chunks, [&](int64_t first, int64_t last, int) {
      for (int64_t task = first; task < last; ++task) sum_chunk<T>(op, layout, task / chunks, task % chunks);
    });
    const double weights = add_up(op, layout);
    context.parallel(op.layers * op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t task = first; task < last; ++task)
        if (op.d_logits[task / op.rows]) gradient_row<T>(op, layout, task / op.rows, task % op.rows, weights);
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
