/* matmul.cpp: c = alpha a b + beta addend in float32. */
#include "gemm/finish.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

struct Layout {
  Product product;
  GemmPlan plan;
  char *turned, *work;
  int64_t bytes;

  Layout(int threads, const sartor_matmul &op, char *scratch) {
    product.m = op.m;
    product.n = op.n;
    const auto kind = op.transpose_b ? RightOperand::rows_are_n : RightOperand::rows_are_k;
    product.segments[0] = {{op.a, op.k}, {op.b, kind, SARTOR_FLOAT32, op.transpose_b ? op.k : op.n}, op.k};
    plan = plan_gemm(threads, product);
    Scratch pieces{scratch};
    turned = pieces.take<char>(op.transpose_a ? left_transposed_bytes(op.k, op.m, SARTOR_FLOAT32) : 0);
    work = pieces.take<char>(plan.scratch_bytes);
    bytes = pieces.used;
  }
};

} // namespace

int64_t matmul_scratch(int threads, const sartor_matmul &op) { return Layout(threads, op, nullptr).bytes; }

int32_t matmul(Context &context, const sartor_matmul &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("matmul", op.m);
  SARTOR_REQUIRE_NOT_NEGATIVE("matmul", op.n);
  SARTOR_REQUIRE_POSITIVE("matmul", op.k);
  if (op.m == 0 || op.n == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("matmul", op.a);
  SARTOR_REQUIRE_POINTER("matmul", op.b);
  SARTOR_REQUIRE_POINTER("matmul", op.c);
  Layout layout(context.threads, op, context.scratch);
  if (op.transpose_a)
    layout.product.segments[0].a =
        make_left_transposed(context, {op.a, op.k, op.m, op.m, SARTOR_FLOAT32}, SARTOR_FLOAT32, layout.turned);
  const vf alpha = splat(op.alpha), beta = splat(op.beta);
  gemm(context, layout.product, layout.plan, layout.work, [&](const Tile &tile) {
    store_tile(tile, op.c, op.n, [&](vf v, int64_t row, int64_t column, auto n) {
      return op.addend ? fma(load(op.addend + row * op.n + column, n), beta, v * alpha) : v * alpha;
    });
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
