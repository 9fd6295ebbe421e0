/* sartor_linear.h: weights, linear layers with their adapters, and plain products. Conventions are in sartor_ops.h. */
#ifndef SARTOR_LINEAR_H
#define SARTOR_LINEAR_H

#include "sartor_types.h"

/*
 * Row-major [rows, columns] of source_dtype -> row-major codes of NF4, FP4 or int8, with absmax
 * in float32 (see sartor_scales). With transpose the source is [columns, rows]. The code of a
 * 4-bit element is what bitsandbytes' decision tree says of x * (1 / absmax); of an int8 element,
 * x * (127 / absmax) rounded to the nearest, ties to even. Outlier columns are copied, count as
 * zero in their rows' absmax, and get the code 0. Infinite or NaN elements fail the program.
 */
typedef struct sartor_quantize {
  const void *source;
  void *codes;   /* 4 bit: [ceil(rows * columns / 2)] bytes; int8: [rows, columns] */
  float *absmax; /* 4 bit: [ceil(rows * columns / 64)]; int8: [rows] */
  void *outliers;                 /* int8: bfloat16 [outlier_count, rows], or null */
  const int32_t *outlier_columns; /* int8: [outlier_count], ascending, or null */
  int64_t rows;
  int64_t columns;
  int64_t outlier_count;
  int32_t source_dtype; /* float32, bfloat16 or float16 */
  int32_t dtype;        /* NF4, FP4 or int8 */
  int32_t transpose;
} sartor_quantize;

/*
 * Row-major weight -> packed panels. A dense source is converted to the target's float32 or
 * bfloat16; with transpose it is [columns, rows] (GPT-2's Conv1D). A quantized one is
 * dequantized into a float target, or moved into a target of its own dtype: then 4-bit targets
 * get scales.absmax in the packed order, in the type it has; all else that belongs to the scales
 * is the source's and not written.
 */
typedef struct sartor_pack {
  sartor_weight source;
  sartor_weight packed; /* data and, of 4 bit, scales.absmax are written */
  int32_t transpose;
} sartor_pack;

/* Packed or row-major weight -> row-major float32 rows [first_row, first_row + row_count). */
typedef struct sartor_unpack {
  sartor_weight weight;
  float *y; /* [row_count, columns] */
  int64_t first_row;
  int64_t row_count;
} sartor_unpack;

/* As many linear layers may read one input in one op: queries, keys and values. */
#define SARTOR_MAX_PROJECTIONS 3

/* One of the linear layers of an op. With rank 0 it is plain, and lora_a, lora_b, h are null. */
typedef struct sartor_projection {
  sartor_weight weight; /* [out, in] */
  const float *bias;    /* [out] or null */
  const float *lora_a;  /* [rank, in] or null */
  const float *lora_b;  /* [out, rank] or null */
  void *y;              /* [rows, out], dtype */
  float *h;             /* [rows, rank] or null; kept for the backward pass */
  int32_t rank;
  float scaling;
} sartor_projection;

/*
 * For each projection of the same x: y = x W^T + bias + scaling * h B^T, with h = dropout(x) A^T.
 * LoRA: Hu et al. 2021, section 4.1. Dropout is inverted dropout on the adapter's input; it takes
 * an op of one projection.
 */
typedef struct sartor_lora_linear {
  const void *x; /* [rows, in], dtype */
  sartor_projection projections[SARTOR_MAX_PROJECTIONS];
  const sartor_rng *rng; /* or null where dropout is 0 */
  int64_t rows;
  int64_t site; /* names the dropout site */
  int32_t projection_count; /* at least 1 */
  float dropout;            /* probability of dropping, [0, 1) */
  int32_t dtype;
} sartor_lora_linear;

/* Each of d_lora_a and d_lora_b (both or neither), d_weight, d_bias may be null: then it is not
 * computed. */
typedef struct sartor_projection_backward {
  const void *dy; /* [rows, out], dtype */
  const float *h; /* [rows, rank] or null */
  sartor_weight weight;
  const float *lora_a;
  const float *lora_b;
  float *d_lora_a; /* [rank, in] or null */
  float *d_lora_b; /* [out, rank] or null */
  float *d_weight; /* [out, in] or null */
  float *d_bias;   /* [out] or null */
  int32_t rank;
  float scaling;
} sartor_projection_backward;

/*
 * For each projection g = scaling * dy B;  dA += g^T dropout(x);  dB += scaling * dy^T h;
 * dW += dy^T x;  dbias += column sums of dy.  dx = sum over the projections of dy W + mask(g A).
 */
typedef struct sartor_lora_linear_backward {
  const void *x; /* [rows, in], dtype; or null where neither d_lora_a nor d_weight is asked for */
  void *dx;      /* [rows, in], dtype, or null */
  sartor_projection_backward projections[SARTOR_MAX_PROJECTIONS];
  const sartor_rng *rng;
  int64_t rows;
  int64_t site;
  int32_t projection_count;
  float dropout;
  int32_t accumulate; /* of dx */
  int32_t dtype;
} sartor_lora_linear_backward;

/* DoRA's column scale (Liu et al. 2024, section 4.3): norm[o] = ||W_o + scaling * (B A)_o||_2,
 * scale[o] = magnitude[o] / norm[o]. The norm is a constant in the gradient. */
typedef struct sartor_dora_scale {
  sartor_weight weight;
  const float *lora_a;    /* [rank, in]  */
  const float *lora_b;    /* [out, rank] */
  const float *magnitude; /* [out] or null: then only norm is written */
  float *scale;           /* [out] or null with magnitude */
  float *norm;            /* [out] */
  int32_t rank;
  float scaling;
} sartor_dora_scale;

/* d_magnitude[o] += d_scale[o] / norm[o] */
typedef struct sartor_dora_scale_backward {
  const float *d_scale;
  const float *norm;
  float *d_magnitude;
  int64_t out;
} sartor_dora_scale_backward;

/* y[t,o] = x[t,o] * scale[o] + bias[o] */
typedef struct sartor_column_scale {
  const void *x;      /* [rows, width], dtype */
  const float *scale; /* [width] */
  const float *bias;  /* [width] or null */
  void *y;            /* [rows, width], dtype */
  int64_t rows;
  int64_t width;
  int32_t dtype;
} sartor_column_scale;

/* dx = dy * scale; d_scale = column sums of dy * x (written, not added: it is an
 * intermediate value); d_bias += column sums of dy. */
typedef struct sartor_column_scale_backward {
  const void *dy;
  const void *x;
  const float *scale;
  void *dx;       /* or null */
  float *d_scale; /* or null */
  float *d_bias;  /* or null */
  int64_t rows;
  int64_t width;
  int32_t accumulate; /* of dx */
  int32_t dtype;
} sartor_column_scale_backward;

/* c = alpha a b + beta addend, all float32 and row-major. */
typedef struct sartor_matmul {
  const float *a;      /* [m, k]; with transpose_a [k, m] */
  const float *b;      /* [k, n]; with transpose_b [n, k] */
  const float *addend; /* [m, n] or null; may be c */
  float *c;            /* [m, n] */
  int64_t m;
  int64_t n;
  int64_t k;
  float alpha;
  float beta;
  int32_t transpose_a;
  int32_t transpose_b;
} sartor_matmul;

#endif
