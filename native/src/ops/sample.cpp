/* Draws one token a row: greedy, or temperature, then top-k, then top-p (nucleus, Holtzman et
 * al. 2020), as Transformers' logits warpers do it. */
#include <math.h>

#include "../philox.h"
#include "common.h"

namespace sartor::SARTOR_ISA {

namespace {

/* Orders the tokens of a row: greater logit first, lower index first on ties. */
struct Ranking {
  const float *logits;
  bool before(int32_t a, int32_t b) const { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); }
};

/* A heap that gives tokens from the best down: linear to build, and only as many are sorted
 * as the nucleus holds. */
struct Heap {
  Ranking ranking;
  int32_t *items;
  int64_t size;

  void sink(int64_t at) {
    int32_t item = items[at];
    for (;;) {
      int64_t child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && ranking.before(items[child + 1], items[child])) child++;
      if (!ranking.before(items[child], item)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = item;
  }
  void build() {
    for (int64_t i = size / 2 - 1; i >= 0; i--) sink(i);
  }
  /* Takes the best; it is kept at the end of the array, behind the shrunken heap. */
  int32_t pop() {
    int32_t best = items[0];
    items[0] = items[--size];
    items[size] = best;
    if (size > 0) sink(0);
    return best;
  }
};

struct RowScratch {
  float *weights; /* [vocabulary]: exp((logit - maximum) / temperature) */
  int32_t *items; /* [vocabulary] */
  RowScratch(Scratch &scratch, const sartor_sample &op) {
    weights = scratch.take<float>(op.vocabulary);
    items = scratch.take<int32_t>(op.vocabulary);
  }
};

struct SampleScratch {
  int8_t *bad; /* [rows] */
  char *threads;
  int64_t thread_bytes;
  SampleScratch(Scratch &scratch, int thread_count, const sartor_sample &op) {
    bad = scratch.take<int8_t>(op.rows);
    Scratch one{nullptr};
    RowScratch measured(one, op);
    thread_bytes = one.used;
    threads = scratch.take<char>(thread_bytes * thread_count);
  }
};

/* The first of the greatest logits, or -1 where one is NaN. */
int64_t best_token(const float *logits, int64_t count) {
  vf largest = splat(-__builtin_inff());
  vi nan = {};
  each_vector(count, [&](int64_t i, auto n) {
    const vf v = keep(load(logits + i, n), n, -__builtin_inff());
    nan |= v != v;
    largest = max(largest, v);
  });
  for (int l = 0; l < lanes; l++)
    if (nan[l]) return -1;
  const float most = maximum(largest);
  int64_t i = 0;
  while (logits[i] != most) i++;
  return i;
}

/* The row's tokens from the best down, sorted as far as they were asked for. */
struct Sorted {
  Heap heap;
  int64_t count;
  Sorted(const float *logits, int32_t *items, int64_t count) : heap{{logits}, items, count}, count(count) {
    for (int64_t i = 0; i < count; i++) items[i] = (int32_t)i;
    heap.build();
  }
  int32_t at(int64_t rank) {
    while (count - heap.size <= rank) heap.pop();
    return heap.items[count - 1 - rank];
  }
};

int32_t draw(const sartor_sample &op, const float *logits, int64_t row, float largest, const RowScratch &scratch) {
  const float *weights = scratch.weights;
  vf inverse = splat(1.0f / op.temperature), top = splat(largest);
  each_vector(op.vocabulary, [&](int64_t i, auto n) {
    store(scratch.weights + i, exp_nonpositive((load(logits + i, n) - top) * inverse), n);
  });
  Sorted sorted(logits, scratch.items, op.vocabulary);
  int64_t kept = op.vocabulary;
  double mass = 0;
  if (op.top_k > 0 && op.top_k < op.vocabulary) {
    for (kept = 0; kept < op.top_k; kept++) mass += weights[sorted.at(kept)];
    /* Tokens that tie with the k-th are kept too. */
    for (float kth = logits[sorted.at(kept - 1)]; kept < op.vocabulary && logits[sorted.at(kept)] == kth; kept++)
      mass += weights[sorted.at(kept)];
  } else {
    for (int64_t i = 0; i < op.vocabulary; i++) mass += weights[i];
  }
  if (op.top_p < 1) {
    /* The shortest start of the list whose mass reaches top_p. */
    double enough = op.top_p * mass;
    int64_t candidates = kept;
    mass = 0;
    for (kept = 0; kept < candidates && (kept == 0 || mass < enough); kept++) mass += weights[sorted.at(kept)];
  }
  uint32_t words[4] = {(uint32_t)(row / 4), (uint32_t)((uint64_t)row / 4 >> 32), 0, (uint32_t)op.rng->step};
  philox(words, (uint32_t)op.rng->seed, (uint32_t)(op.rng->seed >> 32));
  double target = philox_uniform(words[row % 4]) * mass, running = 0;
  int32_t token = sorted.at(0);
  for (int64_t rank = 0; rank < kept; rank++) {
    int32_t next = sorted.at(rank);
    if (weights[next] == 0) break; /* only rounding led past the last possible token */
    token = next;
    running += weights[token];
    if (running > target) break;
  }
  return token;
}

} // namespace

int64_t sample_scratch(int threads, const sartor_sample &op) {
  Scratch scratch{nullptr};
  SampleScratch layout(scratch, threads, op);
  return scratch.used;
}

int32_t sample(Context &context, const sartor_sample &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("sample", op.rows);
  SARTOR_REQUIRE(op.vocabulary > 0 && op.vocabulary <= INT32_MAX, "sample: vocabulary is %lld, must be positive",
                 (long long)op.vocabulary);
  SARTOR_REQUIRE(op.temperature >= 0 && op.temperature <= 1e30f, "sample: temperature is %g, must not be negative",
                 (double)op.temperature);
  SARTOR_REQUIRE(op.top_k >= 0, "sample: top_k is %d, must not be negative", op.top_k);
  SARTOR_REQUIRE(op.top_p > 0 && op.top_p <= 1, "sample: top_p is %g, must be in (0, 1]", (double)op.top_p);
  if (op.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("sample", op.logits);
  SARTOR_REQUIRE_POINTER("sample", op.tokens);
  SARTOR_REQUIRE(op.rng || op.temperature == 0, "sample: rng is null, needed where temperature is not 0");
  Scratch scratch{context.scratch};
  SampleScratch parts(scratch, context.threads, op);
  context.parallel(op.rows, [&](int64_t first, int64_t last, int thread) {
    Scratch own{parts.threads + thread * parts.thread_bytes};
    RowScratch row_scratch(own, op);
    for (int64_t row = first; row < last; row++) {
      const float *logits = op.logits + row * op.vocabulary;
      int64_t best = best_token(logits, op.vocabulary);
      parts.bad[row] = best < 0 || logits[best] - logits[best] != 0;
      if (parts.bad[row]) continue;
      float largest = logits[best];
      int64_t token = op.temperature == 0 ? best : draw(op, logits, row, largest, row_scratch);
      op.tokens[row] = (int32_t)token;
      if (!op.log_probs) continue;
      double total = 0;
      for (int64_t i = 0; i < op.vocabulary; i += flat_grain) {
        int64_t count = op.vocabulary - i < flat_grain ? op.vocabulary - i : flat_grain;
        total += sum_over(count, [&](int64_t j, auto n) {
          return keep(exp_nonpositive(load(logits + i + j, n) - splat(largest)), n, 0.0f);
        });
      }
      op.log_probs[row] = (float)((double)logits[token] - largest - ::log(total));
    }
  });
  for (int64_t row = 0; row < op.rows; row++)
    if (parts.bad[row])
      return context.fail(SARTOR_BAD_ARGUMENT, "sample: logits of row %lld hold NaN or +inf, or are all -inf",
                          (long long)row);
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
