/* sartor_layers.h: norms, rotary embedding, attention and activations. Conventions are in sartor_ops.h. */
#ifndef SARTOR_LAYERS_H
#define SARTOR_LAYERS_H

#include "sartor_types.h"

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

/*
 * Attention sinks: one more score for each head, whose value is 0 (Xiao et al. 2023; GPT-OSS). Of what attention
 * made without it: log_sum_exp' = log(exp(log_sum_exp) + exp(sink)), o' = o * exp(log_sum_exp - log_sum_exp').
 * attention_backward takes these two as they are.
 */
typedef struct sartor_attention_sink {
  void *o;            /* [batch, query_length, heads, head_dim], dtype, in place */
  float *log_sum_exp; /* [batch, heads, query_length], in place */
  const float *sinks; /* [heads] */
  int64_t batch;
  int64_t query_length;
  int32_t heads;
  int32_t head_dim;
  int32_t dtype;
} sartor_attention_sink;

/* d_sinks[h] -= sum over queries of exp(sink - log_sum_exp) * (d_o . o), with o and log_sum_exp as the sink left them. */
typedef struct sartor_attention_sink_backward {
  const void *d_o; /* [batch, query_length, heads, head_dim], dtype */
  const void *o;
  const float *log_sum_exp;
  const float *sinks;
  float *d_sinks; /* [heads], added to */
  int64_t batch;
  int64_t query_length;
  int32_t heads;
  int32_t head_dim;
  int32_t dtype;
} sartor_attention_sink_backward;

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
 * slots[b,t] (in [0, capacity); a negative one is skipped): the KV cache. */
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
  SARTOR_RELU = 3,
  SARTOR_CLAMPED_SWISH = 4 /* GPT-OSS: g sigmoid(1.702 g), g = min(gate, 7), times clamp(up, -7, 7) + 1 */
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

#endif
