/* Sums of whole arrays in double, in a fixed order: losses and the gradient's norm. */
#include "ops/sum.h"

namespace sartor::SARTOR_ISA {

namespace {

int64_t partials_bytes(int64_t count) { return partial_sums(count) * (int64_t)sizeof(double); }

} // namespace

int64_t weighted_sum_scratch(int, const sartor_weighted_sum &op) { return partials_bytes(op.count); }

int32_t weighted_sum(Context &context, const sartor_weighted_sum &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("weighted_sum", op.count);
  SARTOR_REQUIRE(op.x || op.count == 0, "weighted_sum: x is null");
  SARTOR_REQUIRE_POINTER("weighted_sum", op.out);
  double *partials = (double *)context.scratch;
  double sum = op.weights
                   ? total(context, partials, op.count, [&](int64_t i) { return (double)op.x[i] * op.weights[i]; })
                   : total(context, partials, op.count, [&](int64_t i) { return (double)op.x[i]; });
  *op.out = (float)(op.accumulate ? *op.out + sum : sum);
  return SARTOR_OK;
}

int64_t sum_squares_scratch(int, const sartor_sum_squares &op) { return partials_bytes(op.count); }

int32_t sum_squares(Context &context, const sartor_sum_squares &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("sum_squares", op.count);
  SARTOR_REQUIRE(op.x || op.count == 0, "sum_squares: x is null");
  SARTOR_REQUIRE_POINTER("sum_squares", op.out);
  double sum = total(context, (double *)context.scratch, op.count, [&](int64_t i) { return (double)op.x[i] * op.x[i]; });
  *op.out = op.accumulate ? *op.out + sum : sum;
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
