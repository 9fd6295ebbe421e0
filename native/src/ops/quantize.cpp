/* quantize.cpp: weights to NF4, FP4 and int8 codes.
 *
 * The published definition that is followed bit for bit is bitsandbytes' CUDA kernel
 * (csrc/kernels.cu: kQuantizeBlockwise, dQuantizeNF4, dQuantizeFP4): x is multiplied by the
 * float32 reciprocal of absmax, not divided by absmax, and compared with the decision tree's
 * thresholds, of which an equal value lies below. Where the reciprocal would be infinite the
 * kernel's result is undefined; there, as in bitsandbytes' PyTorch implementation, absmax is
 * taken as no less than 1e-38, so that the codes of a block of zeros are those of 0. int8 is
 * its int8_vectorwise_quant: x * (127 / absmax), rounded to even. */
#include "gemm/quantized.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr float least_absmax = 1e-38f;
constexpr uint32_t infinity_bits = 0x7f800000u;
constexpr int block_vectors = scale_block / lanes;
constexpr int64_t blocks_a_task = 64;

/* Where a value exceeds threshold[i] its code grows by step[i]. NF4's codes are in order; FP4's
 * are of magnitudes, in the order 0, 1, 6, 7, 4, 5, 2, 3. */
constexpr float nf4_thresholds[15] = {
    -0.8480964004993439f,  -0.6106329262256622f,   -0.4599952697753906f, -0.33967943489551544f, -0.23460740596055984f,
    -0.13791173323988914f, -0.045525018125772476f, 0.03979014977812767f, 0.1202552504837513f,   0.2035212516784668f,
    0.2920137718319893f,   0.3893125355243683f,    0.5016634166240692f,  0.6427869200706482f,   0.8614784181118011f};
constexpr float fp4_thresholds[7] = {0.00260417f, 0.0859375f, 0.20833333f, 0.29166667f,
                                     0.4166667f,  0.583333f,  0.8333333f};
constexpr uint32_t fp4_steps[7] = {1, 5, 1, (uint32_t)-3, 1, (uint32_t)-3, 1};

SARTOR_INLINE vu nf4_code(vf x) {
  vi code{};
#pragma GCC unroll 15
  for (float threshold : nf4_thresholds) code -= x > splat(threshold);
  return (vu)code;
}

SARTOR_INLINE vu fp4_code(vf x) {
  const vf magnitude = abs(x);
  vu code = (vu)(x < splat(0.0f)) & 8;
#pragma GCC unroll 7
  for (int i = 0; i < 7; ++i) code += (vu)(magnitude > splat(fp4_thresholds[i])) & fp4_steps[i];
  return code;
}

SARTOR_INLINE vu magnitude_bits(vf x) { return (vu)x & 0x7fffffffu; }
SARTOR_INLINE vu larger(vu a, vu b) { return a > b ? a : b; }

/* As floats' magnitudes and their bits are in the same order, NaN and infinity come out on top. */
uint32_t highest(vu bits) {
  uint32_t most = 0;
  for (int i = 0; i < lanes; ++i) most = maximum(most, bits[i]);
  return most;
}

float as_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

/* Elements [first, first + count) of the flattened weight, as `Source` or gathered from its
 * transpose. */
template <class T>
struct Source {
  const T *data;
  int64_t rows, columns;
  bool transpose;

  __attribute__((always_inline)) vf vector(int64_t first, int64_t count) const {
    if (!transpose) {
      if (count >= lanes) return load(data + first);
      return count > 0 ? load(data + first, (int)count) : splat(0.0f);
    }
    T part[lanes] = {};
    for (int64_t i = 0; i < minimum<int64_t>(lanes, count); ++i)
      part[i] = data[(first + i) % columns * rows + (first + i) / columns];
    return load(part);
  }
};

/* One block of up to 64 elements; false where one is not finite. */
template <bool nf4, class T>
SARTOR_INLINE bool quantize_block(const Source<T> &source, int64_t first, int64_t count, uint8_t *out, float *absmax) {
  vf x[block_vectors];
  vu bits{};
#pragma GCC unroll 16
  for (int i = 0; i < block_vectors; ++i) {
    x[i] = source.vector(first + i * lanes, count - i * lanes);
    bits = larger(magnitude_bits(x[i]), bits);
  }
  const uint32_t most = highest(bits);
  if (most >= infinity_bits) return false;
  *absmax = as_float(most);
  const vf inverse = splat(1.0f / maximum(*absmax, least_absmax));
  uint8_t codes[scale_block];
#pragma GCC unroll 16
  for (int i = 0; i < block_vectors; ++i) {
    const vf scaled = x[i] * inverse;
    const vu code = nf4 ? nf4_code(scaled) : fp4_code(scaled);
    typedef uint8_t vb __attribute__((vector_size(lanes), aligned(1), may_alias));
    *(vb *)(codes + i * lanes) = __builtin_convertvector(code, vb);
  }
  uint8_t bytes[scale_block / 2];
  for (int i = 0; i < scale_block / 2; ++i) bytes[i] = (uint8_t)(codes[2 * i] << 4 | codes[2 * i + 1]);
  memcpy(out, bytes, (size_t)ceil_div(count, 2));
  return true;
}

/* The first element that is not finite, told in a thread's own place. */
void note(int64_t *bad, int64_t element) {
  if (*bad < 0 || element < *bad) *bad = element;
}

template <bool nf4, class T>
void quantize_4bit(Context &context, const sartor_quantize &a, int64_t *bad) {
  const Source<T> source{(const T *)a.source, a.rows, a.columns, a.transpose != 0};
  const int64_t elements = a.rows * a.columns, blocks = ceil_div(elements, scale_block);
  context.parallel(ceil_div(blocks, blocks_a_task), [&](int64_t first, int64_t last, int thread) {
    const int64_t end = minimum(last * blocks_a_task, blocks);
    for (int64_t block = first * blocks_a_task; block < end; ++block) {
      const int64_t element = block * scale_block;
      if (!quantize_block<nf4>(source, element, minimum(scale_block, elements - element),
                               (uint8_t *)a.codes + element / 2, a.absmax + block))
        note(bad + thread, element);
    }
  });
}

/* values[columns] = the row with its outliers put aside; returns the bits of its absmax. */
template <class T>
uint32_t open_row(const sartor_quantize &a, const Source<T> &source, int64_t row, float *values) {
  const int64_t columns = a.columns;
  each_vector(columns, [&](int64_t i, auto n) {
    store(values + i, source.vector(row * columns + i, columns - i), n);
  });
  for (int64_t o = 0; o < a.outlier_count; ++o) {
    float *value = values + a.outlier_columns[o];
    if ((magnitude_bits(splat(*value))[0]) >= infinity_bits) return infinity_bits;
    store_scalar((bfloat16 *)a.outliers + o * a.rows + row, *value);
    *value = 0.0f;
  }
  vu bits{};
  each_vector(columns, [&](int64_t i, auto n) { bits = larger(magnitude_bits(load(values + i, n)), bits); });
  return highest(bits);
}

template <class T>
void quantize_int8(Context &context, const sartor_quantize &a, int64_t *bad, float *rows) {
  const Source<T> source{(const T *)a.source, a.rows, a.columns, a.transpose != 0};
  const int64_t columns = a.columns;
  context.parallel(a.rows, [&](int64_t first, int64_t last, int thread) {
    float *values = rows + thread * round_up(columns, lanes);
    for (int64_t row = first; row < last; ++row) {
      const uint32_t most = open_row(a, source, row, values);
      if (most >= infinity_bits) {
        note(bad + thread, row * columns);
        continue;
      }
      a.absmax[row] = as_float(most);
      /* 127 / absmax is infinite below 3.8e-37; then the greatest float brings all codes within 127. */
      const float largest = 3.40282347e+38f;
      const float factor = minimum(127.0f / maximum(a.absmax[row], least_absmax), largest);
      int8_t *codes = (int8_t *)a.codes + row * columns;
      const vf magic = splat(0x1.8p23f); /* adding it rounds to an integer, ties to even */
      each_vector(columns, [&](int64_t i, auto n) {
        const vi code = (vi)(load(values + i, n) * splat(factor) + magic) - (vi)magic;
        typedef int8_t vb __attribute__((vector_size(lanes)));
        const vb narrow = __builtin_convertvector(code, vb);
        memcpy(codes + i, &narrow, (size_t)minimum<int64_t>(lanes, columns - i));
      });
    }
  });
}

struct Layout {
  int64_t *bad; /* [threads] */
  float *rows;  /* int8: [threads][columns] */
  int64_t bytes;

  Layout(int threads, const sartor_quantize &a, char *scratch) {
    Scratch pieces{scratch};
    bad = pieces.take<int64_t>(threads);
    rows = pieces.take<float>(a.dtype == SARTOR_INT8 ? threads * round_up(a.columns, lanes) : 0);
    bytes = pieces.used;
  }
};

/* Says which element it is: its block or row was noted, the rest is looked through again. */
template <class T>
int32_t refuse(Context &context, const sartor_quantize &a, int64_t from) {
  const Source<T> source{(const T *)a.source, a.rows, a.columns, a.transpose != 0};
  while (magnitude_bits(source.vector(from, 1))[0] < infinity_bits) ++from;
  return context.fail(SARTOR_BAD_ARGUMENT, "quantize: element [%lld, %lld] of the weight is NaN or infinite",
                      (long long)(from / a.columns), (long long)(from % a.columns));
}

int32_t check(Context &context, const sartor_quantize &a) {
  SARTOR_REQUIRE_NOT_NEGATIVE("quantize", a.rows);
  SARTOR_REQUIRE_NOT_NEGATIVE("quantize", a.columns);
  SARTOR_REQUIRE(is_quantized(a.dtype), "quantize: dtype is %d, must be NF4 (6), FP4 (7) or int8 (8)", a.dtype);
  if (a.rows == 0 || a.columns == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("quantize", a.source);
  SARTOR_REQUIRE_POINTER("quantize", a.codes);
  SARTOR_REQUIRE_POINTER("quantize", a.absmax);
  const sartor_weight target{a.codes, a.rows, a.columns, SARTOR_ROW_MAJOR, a.dtype,
                             {a.absmax, nullptr, nullptr, a.outliers, a.outlier_columns, a.outlier_count, 0.0f, 0}};
  return check_weight(context, "quantize", target);
}

}  // namespace

int64_t quantize_scratch(int threads, const sartor_quantize &a) { return Layout(threads, a, nullptr).bytes; }

int32_t quantize(Context &context, const sartor_quantize &a) {
  SARTOR_TRY(check(context, a));
  return for_float_dtype(context, "quantize: source", a.source_dtype, [&](auto type) -> int32_t {
    using T = decltype(type);
    if (a.rows == 0 || a.columns == 0) return SARTOR_OK;
    const Layout layout(context.threads, a, context.scratch);
    for (int i = 0; i < context.threads; ++i) layout.bad[i] = -1;
    if (a.dtype == SARTOR_NF4)
      quantize_4bit<true, T>(context, a, layout.bad);
    else if (a.dtype == SARTOR_FP4)
      quantize_4bit<false, T>(context, a, layout.bad);
    else
      quantize_int8<T>(context, a, layout.bad, layout.rows);
    int64_t bad = -1;
    for (int i = 0; i < context.threads; ++i)
      if (layout.bad[i] >= 0) note(&bad, layout.bad[i]);
    return bad < 0 ? (int32_t)SARTOR_OK : refuse<T>(context, a, bad);
  });
}

}  // namespace sartor::SARTOR_ISA
