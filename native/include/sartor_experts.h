/* sartor_experts.h: mixture of experts: routing, the order of its rows, and the way back. Conventions are in sartor_ops.h.
 *
 * A token has top_k assignments; assignment a = token * top_k + j goes to expert indices[a].
 * Grouped rows are the assignments in the order of their experts: expert e's are
 * [offsets[e], offsets[e + 1]). Sizes are those of the worst case, rows = tokens * top_k, whatever
 * the distribution; rows from offsets[experts] on belong to nobody and hold zeros. */
#ifndef SARTOR_EXPERTS_H
#define SARTOR_EXPERTS_H

#include "sartor_linear.h"
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

/* One of the linear layers that each expert has: gate, up or down. With rank 0 they are plain, and
 * lora_a, lora_b, h are null. The weights' structs are read when scratch is asked for, too. */
typedef struct sartor_expert_projection {
  const sartor_weight *weights; /* [experts], each [out, in] */
  const float *bias;            /* [experts, out] or null */
  const float *lora_a;          /* [adapters, rank, in] or null */
  const float *lora_b;          /* [adapters, out, rank] or null */
  void *y;                      /* [rows, out], dtype */
  float *h;                     /* [rows, rank] or null; kept for the backward pass */
  int64_t out;
  int32_t rank;
  float scaling;
} sartor_expert_projection;

/*
 * For each projection and each grouped row r of expert e: y[r] = x_r W_e^T + bias_e + scaling * h[r] B^T,
 * with h[r] = x_r A^T, where A and B are the expert's adapter: its own, or one that neighbours
 * share. x_r is x[permutation[r] / top_k], or x[r] without a permutation. Of experts without an
 * adapter h is zero.
 */
typedef struct sartor_grouped_linear {
  const void *x;              /* [rows / top_k, in], without a permutation [rows, in]; dtype */
  const int32_t *offsets;     /* [experts + 1] */
  const int32_t *permutation; /* [rows] or null */
  const int32_t *adapters; /* [experts]: the expert's adapter, -1 for none, the same for neighbours only; or null */
  sartor_expert_projection projections[SARTOR_MAX_PROJECTIONS];
  int64_t rows;
  int64_t in;
  int32_t experts;
  int32_t adapter_count; /* of lora_a and lora_b */
  int32_t top_k;
  int32_t projection_count; /* at least 1 */
  int32_t dtype;
} sartor_grouped_linear;

/* Each of d_lora_a and d_lora_b (both or neither), d_weight, d_bias may be null. */
typedef struct sartor_expert_projection_backward {
  const void *dy; /* [rows, out], dtype */
  const float *h; /* [rows, rank] or null */
  const sartor_weight *weights;
  const float *lora_a;
  const float *lora_b;
  float *d_lora_a; /* [adapters, rank, in] or null */
  float *d_lora_b; /* [adapters, out, rank] or null */
  float *d_weight; /* [experts, out, in] or null */
  float *d_bias;   /* [experts, out] or null */
  int64_t out;
  int32_t rank;
  float scaling;
} sartor_expert_projection_backward;

/* The gradients, as of lora_linear. dx has x's shape: with a permutation it is the sum of a token's
 * rows, in the order of its choices. */
typedef struct sartor_grouped_linear_backward {
  const void *x; /* or null where neither d_lora_a nor d_weight is asked for */
  void *dx;      /* or null */
  const int32_t *offsets;
  const int32_t *permutation; /* or null */
  const int32_t *inverse;     /* [rows], with a permutation */
  const int32_t *adapters;
  sartor_expert_projection_backward projections[SARTOR_MAX_PROJECTIONS];
  int64_t rows;
  int64_t in;
  int32_t experts;
  int32_t adapter_count;
  int32_t top_k;
  int32_t projection_count;
  int32_t accumulate; /* of dx */
  int32_t dtype;
} sartor_grouped_linear_backward;

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

/*
 * The routers' losses, over the tokens of all layers, each weighing token_weights[t]; N is the sum of weights.
 * losses[0], load balancing as Transformers computes it (Fedus et al. 2021, section 2.2): experts * sum over e of
 * (assignments to e / N) * (sum of softmax(logits)[e] / N), assignments being the top_k logits'.
 * losses[1], z-loss (Zoph et al. 2022, section 3.3): sum of logsumexp(logits)^2 / N.
 * The gradient of scale * (router_aux_loss_coef * losses[0] + router_z_loss_coef * losses[1]) is made in the same
 * call; the choice is a constant in it. Where N is 0, all is 0.
 */
typedef struct sartor_router_losses {
  const void *const *logits;  /* [layers], each [rows, experts], dtype */
  void *const *d_logits;      /* [layers], each as logits, written, or null */
  const float *token_weights; /* [rows] or null for 1 */
  const float *scale;         /* [1] or null for 1 */
  float *losses;              /* [2] */
  int64_t rows;
  int32_t layers;
  int32_t experts;
  int32_t top_k;
  float router_aux_loss_coef;
  float router_z_loss_coef;
  int32_t dtype;
} sartor_router_losses;

/*
 * How a router distributed tokens, each weighing token_weights[t]: statistics are the assignments of each expert,
 * dropped ones too; then the tokens' entropies together, in nats, of scoring(logits) over its sum; the assignments
 * dropped; and the tokens.
 */
typedef struct sartor_router_statistics {
  const void *logits;         /* [rows, experts], dtype */
  const int32_t *indices;     /* [rows, top_k], each in [0, experts); others fail the program */
  const int32_t *inverse;     /* [rows, top_k]: -1 where dropped */
  const float *token_weights; /* [rows] or null for 1 */
  float *statistics;          /* [experts + 3] */
  int64_t rows;
  int32_t experts;
  int32_t top_k;
  int32_t scoring; /* sartor_scoring */
  int32_t dtype;
} sartor_router_statistics;

#endif
