/* sartor_types.h: what the argument structs are made of. Conventions are in sartor_ops.h. */
#ifndef SARTOR_TYPES_H
#define SARTOR_TYPES_H

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

#endif
