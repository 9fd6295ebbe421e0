/* Sums of whole arrays in double, in a fixed order: losses and the gradient's norm. */
#include "common.h"

namespace sartor::SARTOR_ISA {

namespace {

int64_t partials_bytes(int64_t count) { return ceil_div(count, flat_grain) * (int64_t)sizeof(double); }

/* term(i) is the i-th summand in double. */
template <class Term>
double total(Context &context, int64_t count, Term &&term) {
  double *partials = (double *)context.scratch;
  parallel_flat(context, count, [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; chunk += flat_grain) {
      int64_t end = chunk + flat_grain < last ? chunk + flat_grain : last;
      /* Eight chains, which compilers turn into vectors without reordering a sum. */
      double chains[8] = {};
      int64_t i = chunk;
      for (; i + 8 <= end; i += 8)
        for (int l = 0; l < 8; l++) chains[l] += term(i + l);
      for (; i < end; i++) chains[0] += term(i);
      partials[chunk / flat_grain] =
          ((chains[0] + chains[4]) + (chains[2] + chains[6])) + ((chains[1] + chains[5]) + (chains[3] + chains[7]));
    }
  });
  double sum = 0;
  for (int64_t i = 0; i < ceil_div(count, flat_grain); i++) sum += partials[i];
  return sum;
}

} // namespace

int64_t weighted_sum_scratch(int, const sartor_weighted_sum &op) { return partials_bytes(op.count); }

int32_t weighted_sum(Context &context, const sartor_weighted_sum &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("weighted_sum", op.count);
  SARTOR_REQUIRE(op.x || op.count == 0, "weighted_sum: x is null");
  SARTOR_REQUIRE_POINTER("weighted_sum", op.out);
  double sum = op.weights ? total(context, op.count, [&](int64_t i) { return (double)op.x[i] * op.weights[i]; })
                          : total(context, op.count, [&](int64_t i) { return (double)op.x[i]; });
  *op.out = (float)(op.accumulate ? *op.out + sum : sum);
  return SARTOR_OK;
}

int64_t sum_squares_scratch(int, const sartor_sum_squares &op) { return partials_bytes(op.count); }

int32_t sum_squares(Context &context, const sartor_sum_squares &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("sum_squares", op.count);
  SARTOR_REQUIRE(op.x || op.count == 0, "sum_squares: x is null");
  SARTOR_REQUIRE_POINTER("sum_squares", op.out);
  double sum = total(context, op.count, [&](int64_t i) { return (double)op.x[i] * op.x[i]; });
  *op.out = op.accumulate ? *op.out + sum : sum;
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
