/*
 * sartor_ops.h: one argument struct per operation, shared by every device, in headers by subject.
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

#include "sartor_elementwise.h"
#include "sartor_experts.h"
#include "sartor_layers.h"
#include "sartor_linear.h"
#include "sartor_optimizer.h"
#include "sartor_types.h"
#include "sartor_vocabulary.h"

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
  SARTOR_OP_ROUTE,
  SARTOR_OP_ROUTE_BACKWARD,
  SARTOR_OP_DISPATCH,
  SARTOR_OP_COMBINE,
  SARTOR_OP_COMBINE_BACKWARD,
  SARTOR_OP_GROUPED_LINEAR,
  SARTOR_OP_GROUPED_LINEAR_BACKWARD,
  SARTOR_OP_ROUTER_LOSSES,
  SARTOR_OP_ROUTER_STATISTICS,
  SARTOR_OP_JITTER,
  SARTOR_OP_ATTENTION_SINK,
  SARTOR_OP_ATTENTION_SINK_BACKWARD,
  SARTOR_OP_COUNT
};

#endif
