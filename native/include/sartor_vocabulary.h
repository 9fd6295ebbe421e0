/* sartor_vocabulary.h: embeddings, logits, the loss, and sampling. Conventions are in sartor_ops.h. */
#ifndef SARTOR_VOCABULARY_H
#define SARTOR_VOCABULARY_H

#include "sartor_types.h"

/* y[t] = table[ids[t]], or added to y[t]. ids outside [0, table.rows) fail the program. */
typedef struct sartor_embedding {
  sartor_weight table; /* row-major or packed, of any weight dtype */
  const int32_t *ids;  /* [rows] */
  void *y;             /* [rows, table.columns], dtype */
  int64_t rows;
  int32_t accumulate; /* y += */
  int32_t dtype;
} sartor_embedding;

/* d_table[ids[t]] += dy[t], summed in the order of t; no atomics. */
typedef struct sartor_embedding_backward {
  const void *dy;
  const int32_t *ids;
  float *d_table; /* [table_rows, width] */
  int64_t rows;
  int64_t table_rows;
  int64_t width;
  int32_t dtype;
} sartor_embedding_backward;

/*
 * Projection and cross-entropy in chunks of rows, so that [rows, vocabulary] logits never
 * exist: losses[t] = -log softmax(x_t W^T + bias)[targets[t]], 0 where targets[t] < 0 (ignored).
 * The gradient of sum_t token_weights[t] * losses[t] is made in the same pass: dx, d_weight,
 * d_bias, each null where it is not needed. Rows that are ignored cost nothing.
 */
typedef struct sartor_linear_cross_entropy {
  const void *x; /* [rows, in], dtype */
  sartor_weight weight;      /* [vocabulary, in] */
  const float *bias;         /* [vocabulary] or null */
  const int32_t *targets;    /* [rows] */
  const float *token_weights; /* [rows], or null for 1 */
  float *losses;             /* [rows] */
  void *dx;                  /* [rows, in], dtype, or null */
  float *d_weight;           /* [vocabulary, in] or null; added to */
  float *d_bias;             /* [vocabulary] or null; added to */
  int64_t rows;
  float softcap; /* logits = softcap * tanh(logits / softcap); 0: none */
  int32_t dtype;
} sartor_linear_cross_entropy;

/* Plain projection to float32 logits: y = x W^T + bias. */
typedef struct sartor_logits {
  const void *x; /* [rows, in], dtype */
  sartor_weight weight;
  const float *bias; /* or null */
  float *y;          /* [rows, weight.rows] */
  int64_t rows;
  float softcap;
  int32_t dtype;
} sartor_logits;

/* One token per row. temperature 0 is greedy (lowest index on ties). Then top_k (0: all), then
 * top_p (nucleus, Holtzman et al. 2020; 1: all). Tokens are ranked by logit, lower index first
 * on ties; top_k keeps ties with the k-th, top_p the shortest start whose probability reaches it.
 * Row r draws the first token whose running sum exceeds u times the sum of what is kept, u being
 * element r of site 0 of the random stream. */
typedef struct sartor_sample {
  const float *logits; /* [rows, vocabulary] */
  int32_t *tokens;     /* [rows] */
  float *log_probs;    /* [rows] or null: log softmax(logits)[token], before temperature */
  const sartor_rng *rng;
  int64_t rows;
  int64_t vocabulary;
  float temperature;
  float top_p;
  int32_t top_k;
} sartor_sample;

#endif
