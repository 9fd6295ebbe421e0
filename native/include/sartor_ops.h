/*
 * sartor_ops.h: one argument struct per operation, shared by every device.
 *
 * Plain C, read by jextract, g++, nvcc, clang and the Ascend compiler alike.
 * Java fills a struct once per plan; a CPU kernel takes a pointer to it, a GPU
 * kernel takes it by value.
 *
 * Conventions
 *  - Matrices are row-major. "rows" are tokens (batch x length, flattened).
 *  - `dtype` is the type of activations: SARTOR_FLOAT32 or SARTOR_BFLOAT16. Sums,
 *    statistics, losses, adapters' weights, norms' weights and parameter gradients are
 *    float32.
 *  - A pointer marked "or null" may be null; all others must not be.
 *  - `accumulate` fields: 0 writes the result, 1 adds to what is there.
 *  - Parameter gradients (d_weight, d_bias, ...) always add; the caller zeroes them.
 *  - Values that change from step to step are read through pointers.
 *  - Kernels are deterministic: the same inputs give the same bits, whatever the number
 *    of threads.
 */
#ifndef SARTOR_OPS_H
#define SARTOR_OPS_H

#include <stdint.h>

enum sartor_dtype {
  SARTOR_FLOAT32 = 0,
  SARTOR_BFLOAT16 = 1,
  SARTOR_FLOAT16 = 2, /* storage only: converted on load */
  SARTOR_INT32 = 3,
  SARTOR_INT64 = 4,
  SARTOR_UINT8 = 5,
  SARTOR_NF4 = 6, /* weights only, as the next two: NormalFloat 4, Dettmers et al. 2023, section 3 */
  SARTOR_FP4 = 7, /* 1 sign, 2 exponent and 1 fraction bit, scaled to [-1, 1]       */
  SARTOR_INT8 = 8
};

/* How the elements of a weight matrix [rows, columns] lie in memory. */
enum sartor_layout {
  SARTOR_ROW_MAJOR = 0,
  SARTOR_PACKED = 1 /* the device's own panels; sartor_packed_bytes() tells the size */
};

/*
 * What a quantized weight has beside its codes; all null and 0 for a dense one.
 *
 * 4 bit (bitsandbytes' NF4 and FP4): blocks of 64 elements of the flattened row-major weight
 * share an absmax; an element is code value * absmax. A block may straddle rows, the last may
 * be short. Doubly quantized, absmax of block b is
 * nested_map[absmax[b]] * nested_absmax[b / 256] + nested_offset.
 * int8 (LLM.int8, Dettmers et al. 2022): an element is code * (absmax[row] / 127); the outlier
 * columns are kept in bfloat16, and their codes are 0.
 */
typedef struct sartor_scales {
  const void *absmax;         /* float32, or uint8 where doubly quantized. 4 bit row-major: [blocks];
                                 4 bit packed: [panel][columns / group][64]; int8: [rows] */
  const float *nested_absmax; /* [ceil(blocks / 256)], or null where absmax is float32 */
  const float *nested_map;    /* [256], with nested_absmax */
  const void *outliers;           /* int8: bfloat16 [outlier_count, rows], or null */
  const int32_t *outlier_columns; /* int8: [outlier_count], ascending, with outliers */
  int64_t outlier_count;
  float nested_offset;
  int32_t group; /* packed 4 bit: columns that share a scale, the greatest divisor of 64 and columns */
} sartor_scales;

/* A weight matrix W [rows, columns], used as y = x W^T (columns = features in). */
typedef struct sartor_weight {
  const void *data; /* elements or codes. 4 bit row-major: the first of two in the high nibble */
  int64_t rows;
  int64_t columns;
  int32_t layout; /* sartor_layout */
  int32_t dtype;  /* float32, bfloat16, NF4, FP4, int8; float16 too where row-major */
  sartor_scales scales;
} sartor_weight;

/* Position in the counter-based random stream (Philox 4x32-10, Salmon et al. 2011):
 * element i of a dropout site draws from key = seed, counter = (i / 4, site, step). */
typedef struct sartor_rng {
  uint64_t seed;
  uint64_t step;
} sartor_rng;

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

/* Zhang and Sennrich 2019: y = x * inverse_rms * weight, inverse_rms = 1/sqrt(mean(x^2) + epsilon). */
/* With a residual, sum = x + residual, rounded to dtype, takes x's place in the norm. */
typedef struct sartor_rms_norm {
  const void *x;        /* [rows, width], dtype */
  const void *residual; /* [rows, width], dtype, or null */
  void *sum;            /* [rows, width], dtype; null with residual */
  const float *weight;  /* [width] */
  void *y;             /* [rows, width], dtype */
  float *inverse_rms;  /* [rows], kept for the backward pass */
  int64_t rows;
  int64_t width;
  float epsilon;
  int32_t dtype;
} sartor_rms_norm;

/* dx = the norm's gradient + d_sum. */
typedef struct sartor_rms_norm_backward {
  const void *dy;    /* [rows, width], dtype */
  const void *x;     /* what was normalized */
  const void *d_sum; /* [rows, width], dtype, or null: what reached x beside the norm */
  const float *weight;
  const float *inverse_rms;
  void *dx;        /* [rows, width], dtype, or null */
  float *d_weight; /* [width] or null */
  int64_t rows;
  int64_t width;
  int32_t accumulate; /* of dx */
  int32_t dtype;
} sartor_rms_norm_backward;

/* Ba et al. 2016: y = (x - mean) * inverse_std * weight + bias, biased variance. */
typedef struct sartor_layer_norm {
  const void *x;        /* [rows, width], dtype */
  const void *residual; /* or null, as for sartor_rms_norm */
  void *sum;            /* null with residual */
  const float *weight;
  const float *bias; /* [width] or null */
  void *y;
  float *mean;        /* [rows], kept */
  float *inverse_std; /* [rows], kept */
  int64_t rows;
  int64_t width;
  float epsilon;
  int32_t dtype;
} sartor_layer_norm;

typedef struct sartor_layer_norm_backward {
  const void *dy;
  const void *x;
  const void *d_sum; /* or null, as for sartor_rms_norm_backward */
  const float *weight;
  const float *mean;
  const float *inverse_std;
  void *dx;        /* or null */
  float *d_weight; /* or null */
  float *d_bias;   /* or null */
  int64_t rows;
  int64_t width;
  int32_t accumulate; /* of dx */
  int32_t dtype;
} sartor_layer_norm_backward;

/* Rotary embedding (Su et al. 2021), on the first rotary_dim elements of each head; the
 * rest is copied. Half-split pairs (i, i + rotary_dim/2), or neighbours (2i, 2i+1) with
 * interleaved. The tables hold whatever scaling the model asks for. With inverse it rotates
 * backwards, which is its gradient. y may be x. */
typedef struct sartor_rope {
  const void *x;            /* [rows, heads, head_dim], dtype */
  void *y;                  /* [rows, heads, head_dim], dtype */
  const float *cosine;      /* [positions, rotary_dim/2] */
  const float *sine;        /* [positions, rotary_dim/2] */
  const int32_t *positions; /* [rows], each in [0, position_count) */
  int64_t rows;
  int64_t x_stride; /* elements from one row to the next */
  int64_t y_stride;
  int64_t position_count;
  int32_t heads;
  int32_t head_dim;
  int32_t rotary_dim;
  int32_t interleaved;
  int32_t inverse;
  int32_t accumulate;
  int32_t dtype;
} sartor_rope;

/*
 * Softmax attention with grouped heads. Query i of batch b attends to the keys
 * [max(key_begin[b,i], key_end[b,i] - window), key_end[b,i]) of row b (window 0: no window).
 * That one form holds causal masks, sliding windows, packed samples, padding and KV caches.
 * A query with an empty range gives 0 and log_sum_exp -inf.
 * Scores are scale * q.k, then softcap * tanh(scores / softcap) where softcap > 0.
 * Tiled with online softmax (Dao et al. 2022, 2023); no [length, length] matrix is stored.
 */
typedef struct sartor_attention {
  const void *q; /* [batch, query_length, heads, head_dim], dtype; row stride q_stride    */
  const void *k; /* [batch, key_length, kv_heads, head_dim], dtype; row stride k_stride   */
  const void *v; /* [batch, key_length, kv_heads, head_dim], dtype; row stride v_stride   */
  void *o;       /* [batch, query_length, heads, head_dim], dtype, contiguous             */
  float *log_sum_exp; /* [batch, heads, query_length], natural log, kept                  */
  const int32_t *key_begin; /* [batch, query_length] */
  const int32_t *key_end;   /* [batch, query_length] */
  int64_t batch;
  int64_t query_length;
  int64_t key_length;
  int64_t q_stride; /* elements from one token to the next */
  int64_t k_stride;
  int64_t v_stride;
  int32_t heads;
  int32_t kv_heads; /* divides heads */
  int32_t head_dim;
  int32_t window;
  float scale;
  float softcap;
  int32_t dtype;
} sartor_attention;

/* dq, dk, dv are written (not added), each with the stride of its tensor. */
typedef struct sartor_attention_backward {
  const void *d_o; /* [batch, query_length, heads, head_dim], dtype, contiguous */
  const void *q;
  const void *k;
  const void *v;
  const void *o;
  const float *log_sum_exp;
  const int32_t *key_begin;
  const int32_t *key_end;
  void *dq; /* stride dq_stride, and so on */
  void *dk;
  void *dv;
  int64_t batch;
  int64_t query_length;
  int64_t key_length;
  int64_t q_stride;
  int64_t k_stride;
  int64_t v_stride;
  int64_t dq_stride;
  int64_t dk_stride;
  int64_t dv_stride;
  int32_t heads;
  int32_t kv_heads;
  int32_t head_dim;
  int32_t window;
  float scale;
  float softcap;
  int32_t dtype;
} sartor_attention_backward;

/* Copies rows x [batch, length, width] into cache [batch, capacity, width] at
 * positions[b,t] (a slot in [0, capacity); a negative one is skipped): the KV cache. */
typedef struct sartor_cache_write {
  const void *x;
  void *cache;
  const int32_t *slots; /* [batch, length] */
  int64_t batch;
  int64_t length;
  int64_t capacity;
  int64_t width;
  int64_t x_stride;
  int32_t dtype;
} sartor_cache_write;

enum sartor_activation_kind {
  SARTOR_SILU = 0,
  SARTOR_GELU = 1,      /* exact, with erf                                    */
  SARTOR_GELU_TANH = 2, /* Hendrycks and Gimpel 2016, gelu_new, gelu_pytorch_tanh */
  SARTOR_RELU = 3
};

/* y = act(gate) * up, or act(gate) where up is null. SwiGLU, GeGLU: Shazeer 2020. */
typedef struct sartor_activation {
  const void *gate; /* [count], dtype */
  const void *up;   /* [count], dtype, or null */
  void *y;          /* [count], dtype */
  int64_t count;
  int32_t kind;
  int32_t dtype;
} sartor_activation;

typedef struct sartor_activation_backward {
  const void *dy;
  const void *gate;
  const void *up; /* or null */
  void *d_gate;
  void *d_up; /* null with up */
  int64_t count;
  int32_t kind;
  int32_t dtype;
} sartor_activation_backward;

/* y[t] = table[ids[t]] (+ table2...). ids outside [0, table.rows) fail the program. */
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

/* norm[0] = sqrt(sum_squares); coefficient[0] = min(1, max_norm / (norm + 1e-6)), or 1 where
 * max_norm <= 0 (torch.nn.utils.clip_grad_norm_). */
typedef struct sartor_clip {
  const double *sum_squares;
  float *norm;
  float *coefficient;
  float max_norm;
} sartor_clip;

/* What changes from one optimizer step to the next. */
typedef struct sartor_schedule {
  float learning_rate;
  int32_t step; /* counts from 1 */
} sartor_schedule;

/* Loshchilov and Hutter 2019, in PyTorch's order: decay, moments, bias correction. */
typedef struct sartor_adamw {
  float *parameter;      /* [count] */
  const float *gradient; /* [count] */
  float *m;
  float *v;
  const float *gradient_scale;     /* [1], the clip coefficient; or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float beta1;
  float beta2;
  float epsilon;
  float weight_decay;
} sartor_adamw;

/* AdamW whose moments are kept in 8 bits (Dettmers et al. 2022, "8-bit Optimizers via Block-wise
 * Quantization"). Blocks of 256 elements, the last one shorter; a moment's value is
 * map[code] * absmax[block]. m has the signed dynamic map and v the unsigned one (bitsandbytes'
 * create_dynamic_map, sorted). A code is the nearest value's; halfway, that of the smaller
 * magnitude. The step is sartor_adamw's, taken before moments are rounded. */
typedef struct sartor_adamw_8bit {
  float *parameter;      /* [count] */
  const float *gradient; /* [count] */
  uint8_t *m;            /* [count] */
  uint8_t *v;            /* [count] */
  float *m_absmax;       /* [ceil(count / 256)] */
  float *v_absmax;       /* [ceil(count / 256)] */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float beta1;
  float beta2;
  float epsilon;
  float weight_decay;
} sartor_adamw_8bit;

/* Lion (Chen et al. 2023, algorithm 2): parameter moves by the learning rate against
 * sign(beta1 m + (1 - beta1) g), 0 where that is 0, after the decay; then
 * m = beta2 m + (1 - beta2) g. */
typedef struct sartor_lion {
  float *parameter;      /* [count] */
  const float *gradient; /* [count] */
  float *m;              /* [count] */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float beta1;
  float beta2;
  float weight_decay;
} sartor_lion;

/* Adafactor (Shazeer and Stern 2018, algorithms 4 to 6) as Transformers computes it: means in place
 * of sums, beta2 = 1 - step^decay_rate, squares + epsilon1. A matrix keeps the means of its rows
 * and columns; where row is null, v holds the whole second moment. The update is divided by
 * max(1, rms(update) / clip_threshold); with scale_parameter the learning rate is multiplied with
 * max(epsilon2, rms(parameter)). */
typedef struct sartor_adafactor {
  float *parameter;      /* [rows, columns] */
  const float *gradient; /* [rows, columns] */
  float *row;            /* [rows], or null */
  float *column;         /* [columns]; null where row is */
  float *v;              /* [rows, columns] where row is null, else null */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t rows;
  int64_t columns;
  float decay_rate; /* below 0 */
  float epsilon1;
  float epsilon2;
  float clip_threshold;
  float weight_decay;
  int32_t scale_parameter;
} sartor_adafactor;

/* How much the newest iterate weighs in schedule-free's average (Defazio et al. 2024, algorithm 1,
 * as its authors' code computes it): highest = max(highest, learning rate),
 * w = step^r highest^weight_lr_power, sum += w, weight = w / sum (0 where sum is 0). */
typedef struct sartor_schedule_free_weight {
  const sartor_schedule *schedule; /* [1] */
  double *state;                   /* [2]: highest, sum */
  float *weight;                   /* [1] */
  float r;
  float weight_lr_power;
} sartor_schedule_free_weight;

/* Schedule-free AdamW (Defazio et al. 2024): y, where gradients are taken, and z, the base
 * iterate. v = beta2 v + (1 - beta2) g^2; u = g / (sqrt(v / (1 - beta2^step)) + epsilon)
 * + weight_decay y; y = y + weight (z - y) + learning rate (beta1 (1 - weight) - 1) u;
 * z = z - learning rate u. The average is x = z + (y - z) / beta1. */
typedef struct sartor_schedule_free_adamw {
  float *y;              /* [count] */
  const float *gradient; /* [count] */
  float *z;              /* [count] */
  float *v;              /* [count] */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  const float *weight;             /* [1], of sartor_schedule_free_weight */
  int64_t count;
  float beta1; /* above 0 */
  float beta2;
  float epsilon;
  float weight_decay;
} sartor_schedule_free_adamw;

/* Muon's momentum (Jordan et al. 2024), as torch.optim.Muon has it: buffer += (1 - momentum)
 * (g - buffer); direction = buffer, or with nesterov g + momentum (buffer - g); then direction is
 * divided by max(its Frobenius norm, epsilon). */
typedef struct sartor_muon_momentum {
  const float *gradient; /* [count] */
  float *buffer;         /* [count] */
  float *direction;      /* [count] */
  const float *gradient_scale; /* [1] or null */
  int64_t count;
  float momentum;
  float epsilon;
  int32_t nesterov;
} sartor_muon_momentum;

/* parameter = parameter (1 - learning rate * weight_decay) - learning rate * ratio * direction. */
typedef struct sartor_muon_update {
  float *parameter;       /* [count] */
  const float *direction; /* [count] */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float ratio;
  float weight_decay;
} sartor_muon_update;

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

/* found[0] = index of the first element of x that is NaN or infinite, else -1. */
typedef struct sartor_check_finite {
  const void *x;
  int64_t *found;
  int64_t count;
  int32_t dtype;
} sartor_check_finite;

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

enum sartor_op {
  SARTOR_OP_PACK = 0,
  SARTOR_OP_UNPACK,
  SARTOR_OP_LORA_LINEAR,
  SARTOR_OP_LORA_LINEAR_BACKWARD,
  SARTOR_OP_DORA_SCALE,
  SARTOR_OP_DORA_SCALE_BACKWARD,
  SARTOR_OP_COLUMN_SCALE,
  SARTOR_OP_COLUMN_SCALE_BACKWARD,
  SARTOR_OP_RMS_NORM,
  SARTOR_OP_RMS_NORM_BACKWARD,
  SARTOR_OP_LAYER_NORM,
  SARTOR_OP_LAYER_NORM_BACKWARD,
  SARTOR_OP_ROPE,
  SARTOR_OP_ATTENTION,
  SARTOR_OP_ATTENTION_BACKWARD,
  SARTOR_OP_CACHE_WRITE,
  SARTOR_OP_ACTIVATION,
  SARTOR_OP_ACTIVATION_BACKWARD,
  SARTOR_OP_EMBEDDING,
  SARTOR_OP_EMBEDDING_BACKWARD,
  SARTOR_OP_LINEAR_CROSS_ENTROPY,
  SARTOR_OP_LOGITS,
  SARTOR_OP_WEIGHTED_SUM,
  SARTOR_OP_ADD,
  SARTOR_OP_DROPOUT,
  SARTOR_OP_CONVERT,
  SARTOR_OP_ZERO,
  SARTOR_OP_SUM_SQUARES,
  SARTOR_OP_CLIP,
  SARTOR_OP_ADAMW,
  SARTOR_OP_ADAMW_8BIT,
  SARTOR_OP_LION,
  SARTOR_OP_ADAFACTOR,
  SARTOR_OP_SCHEDULE_FREE_WEIGHT,
  SARTOR_OP_SCHEDULE_FREE_ADAMW,
  SARTOR_OP_MUON_MOMENTUM,
  SARTOR_OP_MUON_UPDATE,
  SARTOR_OP_MATMUL,
  SARTOR_OP_CHECK_FINITE,
  SARTOR_OP_SAMPLE,
  SARTOR_OP_QUANTIZE,
  SARTOR_OP_COUNT
};

#endif
