/* router.h: what routing and the routers' losses share: a row of logits, its softmax, its largest. */
#ifndef SARTOR_OPS_ROUTER_H
#define SARTOR_OPS_ROUTER_H

#include "ops/checks.h"

namespace sartor::SARTOR_ISA {

constexpr int64_t room = round_up(SARTOR_MAX_EXPERTS, 64);

/* The best of what is offered, by key, of equal ones the first offered. */
class Best {
 public:
  Best(int32_t *indices, int32_t limit) : indices_(indices), limit_(limit) {}

  void offer(int32_t index, float key) {
    if (!(key == key)) key = -__builtin_inff();
    if (count_ == limit_ && !(key > keys_[limit_ - 1])) return;
    int32_t at = count_ < limit_ ? count_++ : limit_ - 1;
    for (; at > 0 && key > keys_[at - 1]; --at) {
      keys_[at] = keys_[at - 1];
      indices_[at] = indices_[at - 1];
    }
    keys_[at] = key;
    indices_[at] = index;
  }

 private:
  float keys_[SARTOR_MAX_EXPERTS];
  int32_t *indices_;
  int32_t limit_, count_ = 0;
};

[[maybe_unused]] static float largest_of(const float *logits, int64_t experts) {
  float largest = -__builtin_inff();
  for (int64_t e = 0; e < experts; ++e) largest = logits[e] > largest ? logits[e] : largest;
  return largest;
}

/* scores[e] = exp(logits[e] - largest); returns their sum. */
[[maybe_unused]] static float exponents(const float *logits, int64_t experts, float *scores) {
  const float largest = largest_of(logits, experts);
  return sum_over(experts, [&](int64_t e, auto n) {
    const vf score = keep(exp(load(logits + e, n) - splat(largest)), n, 0.0f);
    store(scores + e, score, n);
    return score;
  });
}

/* What the logits become before experts are chosen. */
[[maybe_unused]] static void score(int32_t scoring, const float *logits, int64_t experts, float *scores) {
  if (scoring == SARTOR_SCORING_SIGMOID) {
    each_vector(experts, [&](int64_t e, auto n) { store(scores + e, sigmoid(load(logits + e, n)), n); });
    return;
  }
  const vf sum = splat(exponents(logits, experts, scores));
  each_vector(experts, [&](int64_t e, auto n) { store(scores + e, load(scores + e, n) / sum, n); });
}

template <class T>
static void load_row(const T *row, int64_t experts, float *logits) {
  each_vector(experts, [&](int64_t e, auto n) { store(logits + e, load(row + e, n), n); });
}

}  // namespace sartor::SARTOR_ISA

#endif
