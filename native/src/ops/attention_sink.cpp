/* One more score for each head, whose value is 0: attention's output and sum of exponents are corrected afterwards, so
 * that attention itself, forward and backward, knows nothing of it. */
#include "ops/common.h"

namespace sartor::SARTOR_ISA {

namespace {

template <class Op>
int32_t check(Context &context, const char *name, const Op &op) {
  SARTOR_REQUIRE(op.batch >= 0 && op.query_length >= 0 && op.heads >= 1 && op.head_dim >= 1,
                 "%s: batch is %lld, query_length %lld, heads %d, head_dim %d: must be positive", name, (long long)op.batch,
                 (long long)op.query_length, op.heads, op.head_dim);
  SARTOR_REQUIRE(op.o && op.log_sum_exp && op.sinks, "%s: one of o, log_sum_exp, sinks is null", name);
  return SARTOR_OK;
}

} // namespace

int32_t attention_sink(Context &context, const sartor_attention_sink &op) {
  if (int32_t status = check(context, "attention_sink", op)) return status;
  return for_activation_dtype(context, "attention_sink", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.batch * op.query_length, [&](int64_t first, int64_t last, int) {
      for (int64_t row = first; row < last; ++row) {
        const int64_t b = row / op.query_length, query = row % op.query_length;
        for (int32_t h = 0; h < op.heads; ++h) {
          float &kept = op.log_sum_exp[(b * op.heads + h) * op.query_length + query];
          const float before = kept, sink = op.sinks[h];
          const float larger = before > sink ? before : sink, smaller = before > sink ? sink : before;
          kept = larger + __builtin_log1pf(__builtin_expf(smaller - larger));
          const vf factor = splat(__builtin_expf(before - kept));
          T *o = (T *)op.o + (row * op.heads + h) * op.head_dim;
          each_vector(op.head_dim, [&](int64_t i, auto n) { store(o + i, load(o + i, n) * factor, n); });
        }
      }
    });
    return SARTOR_OK;
  });
}

int32_t attention_sink_backward(Context &context, const sartor_attention_sink_backward &op) {
  if (int32_t status = check(context, "attention_sink_backward", op)) return status;
  SARTOR_REQUIRE(op.d_o && op.d_sinks, "attention_sink_backward: d_o or d_sinks is null");
  return for_activation_dtype(context, "attention_sink_backward", op.dtype, [&](auto type) {
    using T = decltype(type);
    context.parallel(op.heads, [&](int64_t first, int64_t last, int) {
      for (int64_t h = first; h < last; ++h) {
        double sum = 0;
        for (int64_t row = 0; row < op.batch * op.query_length; ++row) {
          const int64_t b = row / op.query_length, query = row % op.query_length;
          const int64_t at = (row * op.heads + h) * op.head_dim;
          const T *d_o = (const T *)op.d_o + at, *o = (const T *)op.o + at;
          const float product = sum_over(op.head_dim, [&](int64_t i, auto n) { return load(d_o + i, n) * load(o + i, n); });
          sum += (double)__builtin_expf(op.sinks[h] - op.log_sum_exp[(b * op.heads + h) * op.query_length + query]) * product;
        }
        op.d_sinks[h] -= (float)sum;
      }
    });
    return SARTOR_OK;
  });
}

} // namespace sartor::SARTOR_ISA
