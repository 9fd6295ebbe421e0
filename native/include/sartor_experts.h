/* sartor_experts.h: mixture of experts: routing, the order of its rows, and the way back. Conventions are in sartor_ops.h.
 *
 * A token has top_k assignments; assignment a = token * top_k + j goes to expert indices[a].
 * Grouped rows are the assignments in the order of their experts: expert e's are
 * [offsets[e], offsets[e + 1]). Sizes are those of the worst case, rows = tokens * top_k, whatever
 * the distribution; rows from offsets[experts] on belong to nobody and hold zeros. */
#ifndef SARTOR_EXPERTS_H
#define SARTOR_EXPERTS_H

#include "sartor_types.h"

#define SARTOR_MAX_EXPERTS 1024

/* What a logit becomes before experts are chosen. */
enum sartor_scoring {
  SARTOR_SCORING_SOFTMAX = 0, /* over all experts */
  SARTOR_SCORING_SIGMOID = 1
};

/* What a group of experts is chosen by. */
enum sartor_group_score {
  SARTOR_GROUP_MAX = 0,        /* its best expert's score: DeepSeek-V2's group_limited_greedy */
  SARTOR_GROUP_TOP2_SUM = 1    /* the sum of its two best: DeepSeek-V3 */
};

/*
 * Top-k routing. scores = scoring(logits). Experts are chosen by scores + correction_bias, of the
 * topk_group best of n_group groups of neighbours, the best first; of equal ones the lower index
 * (torch.topk promises no order of them). A chosen expert's weight is its score without the bias;
 * with norm_topk_prob divided by the sum of the chosen scores (of sigmoids + 1e-20, as DeepSeek-V3
 * has it; of softmax scores that is the softmax over the chosen logits, GPT-OSS's); times
 * routed_scaling_factor. A logit that is NaN is chosen last and makes its row's weights NaN.
 */
typedef struct sartor_route {
  const void *logits;           /* [rows, experts], dtype */
  const float *correction_bias; /* [experts] or null: e_score_correction_bias */
  int32_t *indices;             /* [rows, top_k] */
  float *weights;               /* [rows, top_k] */
  int64_t rows;
  int32_t experts; /* at most SARTOR_MAX_EXPERTS */
  int32_t top_k;
  int32_t n_group; /* divides experts; 1: no groups */
  int32_t topk_group;
  int32_t group_score; /* sartor_group_score */
  int32_t scoring;     /* sartor_scoring */
  int32_t norm_topk_prob;
  float routed_scaling_factor;
  int32_t dtype;
} sartor_route;

/* d_logits of the weights; the choice is a constant in the gradient. */
typedef struct sartor_route_backward {
  const float *d_weights; /* [rows, top_k] */
  const void *logits;
  const int32_t *indices;
  void *d_logits; /* [rows, experts], dtype */
  int64_t rows;
  int32_t experts;
  int32_t top_k;
  int32_t scoring;
  int32_t norm_topk_prob;
  float routed_scaling_factor;
  int32_t accumulate; /* of d_logits */
  int32_t dtype;
} sartor_route_backward;

/*
 * Where the assignments' rows lie: a stable counting sort by expert, so that an expert's rows are in
 * the order of the tokens. With a capacity, an expert keeps its first `capacity` assignments and the
 * later ones are dropped. Dropped are sum(load) - offsets[experts].
 */
typedef struct sartor_dispatch {
  const int32_t *indices; /* [assignments], each in [0, experts); others fail the program */
  int32_t *offsets;       /* [experts + 1] */
  int32_t *permutation;   /* [assignments]: the assignment at a grouped row, -1 behind the last */
  int32_t *inverse;       /* [assignments]: the grouped row of an assignment, -1 where dropped */
  int32_t *load;          /* [experts]: assignments, dropped ones too */
  int64_t assignments;
  int64_t capacity; /* 0: none is dropped */
  int32_t experts;
} sartor_dispatch;

/* out[t] = sum over j of weights[t, j] * y[inverse[t, j]], in the order of j, in float32; a dropped
 * assignment adds nothing. */
typedef struct sartor_combine {
  const void *y;          /* [rows * top_k, width] grouped rows, dtype */
  const float *weights;   /* [rows, top_k] or null for 1 */
  const int32_t *inverse; /* [rows, top_k], below rows * top_k */
  void *out;              /* [rows, width], dtype */
  int64_t rows;
  int64_t width;
  int32_t top_k;
  int32_t dtype;
} sartor_combine;

/* dy[inverse[t, j]] = weights[t, j] * d_out[t], zero in rows of nobody;
 * d_weights[t, j] = d_out[t] . y[inverse[t, j]], 0 where dropped. */
typedef struct sartor_combine_backward {
  const void *d_out; /* [rows, width], dtype */
  const void *y;     /* or null with d_weights */
  const float *weights;   /* [rows, top_k] or null for 1 */
  const int32_t *inverse;
  void *dy;         /* [rows * top_k, width], dtype, or null */
  float *d_weights; /* [rows, top_k], written, or null */
  int64_t rows;
  int64_t width;
  int32_t top_k;
  int32_t dtype;
} sartor_combine_backward;

#endif
