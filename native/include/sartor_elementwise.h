/* sartor_elementwise.h: elementwise ops and sums. Conventions are in sartor_ops.h. */
#ifndef SARTOR_ELEMENTWISE_H
#define SARTOR_ELEMENTWISE_H

#include "sartor_types.h"

/* out[0] (+)= sum_i x[i] * (weights ? weights[i] : 1), in double, in a fixed order. */
typedef struct sartor_weighted_sum {
  const float *x;
  const float *weights; /* [count] or null */
  float *out;           /* [1] */
  int64_t count;
  int32_t accumulate;
} sartor_weighted_sum;

/* y = alpha * a + beta * b. y may be a or b. b may be null. */
typedef struct sartor_add {
  const void *a; /* [count], dtype */
  const void *b; /* [count], dtype, or null */
  void *y;       /* [count], dtype */
  int64_t count;
  float alpha;
  float beta;
  int32_t dtype;
} sartor_add;

/* Inverted dropout: y (+)= x * mask / (1 - probability). Its own gradient. */
typedef struct sartor_dropout {
  const void *x; /* [count], dtype */
  void *y;       /* [count], dtype */
  const sartor_rng *rng;
  int64_t count;
  int64_t site;
  float probability;
  int32_t accumulate;
  int32_t dtype;
} sartor_dropout;

/* y (+)= x * u, u uniform in [1 - noise, 1 + noise): the input noise of a router in training (Fedus et al. 2021, section
 * 2.2). Element i draws as in dropout. Its own gradient. */
typedef struct sartor_jitter {
  const void *x; /* [count], dtype */
  void *y;       /* [count], dtype */
  const sartor_rng *rng;
  int64_t count;
  int64_t site;
  float noise; /* [0, 1) */
  int32_t accumulate;
  int32_t dtype;
} sartor_jitter;

/* y = x converted. Any of float32, bfloat16, float16 to any of them. */
typedef struct sartor_convert {
  const void *x;
  void *y;
  int64_t count;
  int32_t x_dtype;
  int32_t y_dtype;
} sartor_convert;

/* Sets bytes to zero. */
typedef struct sartor_zero {
  void *y;
  int64_t bytes;
} sartor_zero;

/* out[0] (+)= sum of squares of x, in double, in a fixed order. */
typedef struct sartor_sum_squares {
  const float *x;
  double *out;
  int64_t count;
  int32_t accumulate;
} sartor_sum_squares;

/* found[0] = index of the first element of x that is NaN or infinite, else -1. */
typedef struct sartor_check_finite {
  const void *x;
  int64_t *found;
  int64_t count;
  int32_t dtype;
} sartor_check_finite;

#endif
