/* Top-k routing of mixtures of experts and the gradient of its weights. */
#include "ops/router.h"

namespace sartor::SARTOR_ISA {

namespace {

template <class Route>
int32_t check_route(Context &context, const char *op, const Route &r) {
  SARTOR_REQUIRE(r.rows >= 0, "%s: rows is %lld, must not be negative", op, (long long)r.rows);
  SARTOR_REQUIRE(r.experts >= 1 && r.experts <= SARTOR_MAX_EXPERTS, "%s: experts is %d, must be 1 to %d", op, r.experts,
                 SARTOR_MAX_EXPERTS);
  SARTOR_REQUIRE(r.top_k >= 1 && r.top_k <= r.experts, "%s: top_k is %d, must be 1 to %d experts", op, r.top_k, r.experts);
  SARTOR_REQUIRE(r.scoring == SARTOR_SCORING_SOFTMAX || r.scoring == SARTOR_SCORING_SIGMOID, "%s: unknown scoring %d", op,
                 r.scoring);
  SARTOR_REQUIRE(r.rows == 0 || (r.logits && r.indices), "%s: logits or indices is null", op);
  return SARTOR_OK;
}

int32_t check_groups(Context &context, const sartor_route &r) {
  SARTOR_REQUIRE(r.n_group >= 1 && r.experts % r.n_group == 0, "route: n_group is %d, must divide %d experts", r.n_group,
                 r.experts);
  SARTOR_REQUIRE(r.topk_group >= 1 && r.topk_group <= r.n_group, "route: topk_group is %d, must be 1 to %d groups",
                 r.topk_group, r.n_group);
  const int32_t size = r.experts / r.n_group;
  SARTOR_REQUIRE(r.topk_group * size >= r.top_k, "route: top_k is %d, but %d groups have %d experts", r.top_k, r.topk_group,
                 r.topk_group * size);
  SARTOR_REQUIRE(r.group_score == SARTOR_GROUP_MAX || r.group_score == SARTOR_GROUP_TOP2_SUM,
                 "route: unknown group_score %d", r.group_score);
  SARTOR_REQUIRE(r.n_group == 1 || r.group_score == SARTOR_GROUP_MAX || size >= 2,
                 "route: groups of one expert have no two best");
  return SARTOR_OK;
}

float group_key(const float *keys, int64_t count, int32_t group_score) {
  float first = -__builtin_inff(), second = first;
  for (int64_t i = 0; i < count; ++i) {
    if (keys[i] > first) {
      second = first;
      first = keys[i];
    } else if (keys[i] > second) {
      second = keys[i];
    }
  }
  return group_score == SARTOR_GROUP_TOP2_SUM ? first + second : first;
}

void choose(const sartor_route &r, const float *keys, int32_t *indices) {
  Best best(indices, r.top_k);
  if (r.topk_group == r.n_group) {
    for (int32_t e = 0; e < r.experts; ++e) best.offer(e, keys[e]);
    return;
  }
  const int32_t size = r.experts / r.n_group;
  int32_t groups[SARTOR_MAX_EXPERTS];
  Best best_groups(groups, r.topk_group);
  for (int32_t g = 0; g < r.n_group; ++g) best_groups.offer(g, group_key(keys + g * size, size, r.group_score));
  bool chosen[SARTOR_MAX_EXPERTS] = {};
  for (int32_t i = 0; i < r.topk_group; ++i) chosen[groups[i]] = true;
  for (int32_t g = 0; g < r.n_group; ++g)
    for (int32_t e = g * size; chosen[g] && e < (g + 1) * size; ++e) best.offer(e, keys[e]);
}

/* weights[j] of the chosen, without routed_scaling_factor; returns what the chosen scores were divided by. */
template <class Route>
float weigh(const Route &r, const float *logits, const float *scores, const int32_t *indices, float *weights) {
  float divisor = 1.0f;
  if (r.norm_topk_prob && r.scoring == SARTOR_SCORING_SOFTMAX) {
    float chosen[room];
    for (int32_t j = 0; j < r.top_k; ++j) chosen[j] = logits[indices[j]];
    divisor = exponents(chosen, r.top_k, weights);
  } else {
    for (int32_t j = 0; j < r.top_k; ++j) weights[j] = scores[indices[j]];
    if (r.norm_topk_prob) {
      divisor = 0.0f;
      for (int32_t j = 0; j < r.top_k; ++j) divisor += weights[j];
      divisor += 1e-20f;
    }
  }
  if (r.norm_topk_prob)
    for (int32_t j = 0; j < r.top_k; ++j) weights[j] /= divisor;
  return divisor;
}

template <class T>
void route_row(const sartor_route &r, int64_t row) {
  float logits[room], scores[room], keys[room];
  load_row((const T *)r.logits + row * r.experts, r.experts, logits);
  int32_t *indices = r.indices + row * r.top_k;
  float *weights = r.weights + row * r.top_k;
  score(r.scoring, logits, r.experts, scores);
  /* Both scorings rise with the logit: without a bias and sums, logits decide, where scores might tie. */
  const bool sums = r.n_group > 1 && r.group_score == SARTOR_GROUP_TOP2_SUM;
  if (r.correction_bias)
    for (int32_t e = 0; e < r.experts; ++e) keys[e] = scores[e] + r.correction_bias[e];
  choose(r, r.correction_bias ? keys : sums ? scores : logits, indices);
  weigh(r, logits, scores, indices, weights);
  for (int32_t j = 0; j < r.top_k; ++j) weights[j] *= r.routed_scaling_factor;
}

template <class T>
void route_row_backward(const sartor_route_backward &r, int64_t row) {
  float logits[room], scores[room], weights[room], gradient[room];
  load_row((const T *)r.logits + row * r.experts, r.experts, logits);
  const int32_t *indices = r.indices + row * r.top_k;
  const float *d_weights = r.d_weights + row * r.top_k;
  const bool sigmoids = r.scoring == SARTOR_SCORING_SIGMOID;
  score(r.scoring, logits, r.experts, scores);
  const float divisor = weigh(r, logits, scores, indices, weights);
  float mean = 0.0f; /* what normalizing, or the softmax, takes from each */
  for (int32_t j = 0; j < r.top_k; ++j) mean += weights[j] * d_weights[j];
  const float factor = r.routed_scaling_factor;
  if (sigmoids || r.norm_topk_prob) {
    for (int32_t e = 0; e < r.experts; ++e) gradient[e] = 0.0f;
    for (int32_t j = 0; j < r.top_k; ++j) {
      const float d = factor * (r.norm_topk_prob ? d_weights[j] - mean : d_weights[j]);
      if (sigmoids) {
        const float s = scores[indices[j]];
        gradient[indices[j]] = d / divisor * s * sigmoid(splat(-logits[indices[j]]))[0];
      } else {
        gradient[indices[j]] = d * weights[j];
      }
    }
  } else {
    each_vector(r.experts, [&](int64_t e, auto n) { store(gradient + e, load(scores + e, n) * splat(-factor * mean), n); });
    for (int32_t j = 0; j < r.top_k; ++j) gradient[indices[j]] = scores[indices[j]] * (factor * (d_weights[j] - mean));
  }
  T *out = (T *)r.d_logits + row * r.experts;
  each_vector(r.experts, [&](int64_t e, auto n) {
    vf d = load(gradient + e, n);
    if (r.accumulate) d += load(out + e, n);
    store(out + e, d, n);
  });
}

} // namespace

int32_t route(Context &context, const sartor_route &op) {
  SARTOR_TRY(check_route(context, "route", op));
  SARTOR_TRY(check_groups(context, op));
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("route", op.weights);
  return for_activation_dtype(context, "route", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t row = first; row < last; ++row) route_row<T>(op, row);
    });
    return SARTOR_OK;
  });
}

int32_t route_backward(Context &context, const sartor_route_backward &op) {
  SARTOR_TRY(check_route(context, "route_backward", op));
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("route_backward", op.d_weights);
  SARTOR_REQUIRE_POINTER("route_backward", op.d_logits);
  for (int64_t a = 0; a < op.rows * op.top_k; ++a)
    if (op.indices[a] < 0 || op.indices[a] >= op.experts)
      return context.fail(SARTOR_BAD_INDEX, "route_backward: indices[%lld] is %d, must be in [0, %d)", (long long)a,
                          op.indices[a], op.experts);
  return for_activation_dtype(context, "route_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.rows, [&](int64_t first, int64_t last, int) {
      for (int64_t row = first; row < last; ++row) route_row_backward<T>(op, row);
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
