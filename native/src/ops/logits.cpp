/* logits.cpp: the plain projection to float32 logits. */
#include "gemm/finish.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

struct Layout {
  Product product;
  GemmPlan plan;
  char *x_copy, *work;
  int64_t bytes;

  Layout(int threads, const sartor_logits &a, char *scratch) {
    const int64_t in = a.weight.columns;
    const int32_t compute = compute_dtype(a.dtype);
    product = {a.rows, a.weight.rows, compute, 1, {{{}, right_operand(a.weight), in}, {}}};
    plan = plan_gemm(threads, product);
    Scratch pieces{scratch};
    x_copy = pieces.take<char>(left_bytes(a.rows, in, a.dtype, compute));
    work = pieces.take<char>(plan.scratch_bytes);
    bytes = pieces.used;
  }
};

}  // namespace

int64_t logits_scratch(int threads, const sartor_logits &a) { return Layout(threads, a, nullptr).bytes; }

int32_t logits(Context &context, const sartor_logits &a) {
  SARTOR_TRY(check_weight(context, "logits", a.weight));
  SARTOR_REQUIRE(is_activation_dtype(a.dtype), "logits: dtype %d", a.dtype);
  SARTOR_REQUIRE_NOT_NEGATIVE("logits", a.rows);
  if (a.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("logits", a.x);
  SARTOR_REQUIRE_POINTER("logits", a.y);
  const int64_t in = a.weight.columns, vocabulary = a.weight.rows;
  Layout layout(context.threads, a, context.scratch);
  layout.product.segments[0].a =
      make_left(context, {a.x, a.rows, in, in, a.dtype}, layout.product.compute, layout.x_copy);
  gemm(context, layout.product, layout.plan, layout.work,
       [&](const Tile &tile) { store_logits(tile, a.y, vocabulary, a.bias, a.softcap); });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
