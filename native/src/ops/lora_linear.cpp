/* lora_linear.cpp: y = x W^T + bias + scaling * dropout(x) A^T B^T. */
#include "ops/lora.h"

namespace sartor::SARTOR_ISA {
namespace {

/* Sizes, pieces of scratch and the two products; data pointers are filled in by the run. */
struct Layout {
  int32_t compute;
  bool drops;
  Product down, up; /* h = x A^T; y = x W^T + h B^T */
  GemmPlan down_plan, up_plan;
  char *x_copy, *dropped, *h_scaled, *work;
  int64_t bytes;

  Layout(int threads, const sartor_lora_linear &a, char *scratch) {
    const int64_t in = a.weight.columns, rank = a.rank;
    compute = compute_dtype(a.dtype);
    drops = rank > 0 && a.dropout > 0.0f;
    down.m = up.m = a.rows;
    down.n = rank;
    up.n = a.weight.rows;
    down.compute = up.compute = compute;
    down.segments[0] = {{}, {a.lora_a, RightOperand::rows_are_n, SARTOR_FLOAT32, in}, in};
    up.segments[0] = {{}, right_operand(a.weight), in};
    up.segments[1] = {{}, {a.lora_b, RightOperand::rows_are_n, SARTOR_FLOAT32, rank}, rank};
    up.segment_count = rank > 0 ? 2 : 1;
    down_plan = plan_gemm(threads, down);
    up_plan = plan_gemm(threads, up);
    Scratch pieces{scratch};
    x_copy = pieces.take<char>(left_bytes(a.rows, in, a.dtype, compute));
    dropped = pieces.take<char>(drops ? a.rows * left_stride(in) * dtype_bytes(compute) : 0);
    h_scaled = pieces.take<char>(a.rows * left_stride(rank) * dtype_bytes(compute));
    work = pieces.take<char>(maximum(down_plan.scratch_bytes, up_plan.scratch_bytes));
    bytes = pieces.used;
  }
};

}  // namespace

int64_t lora_linear_scratch(int threads, const sartor_lora_linear &a) { return Layout(threads, a, nullptr).bytes; }

int32_t lora_linear(Context &context, const sartor_lora_linear &a) {
  SARTOR_TRY(check_weight(context, "lora_linear", a.weight));
  SARTOR_TRY(check_adapter(context, "lora_linear", a.rank, a.lora_a, a.lora_b, a.dropout, a.rng));
  SARTOR_REQUIRE(is_activation_dtype(a.dtype), "lora_linear: dtype %d", a.dtype);
  SARTOR_REQUIRE(a.rows >= 0, "lora_linear: rows is %lld", (long long)a.rows);
  if (a.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE(a.x && a.y, "lora_linear: x or y is null");
  const int64_t in = a.weight.columns, out = a.weight.rows;
  Layout layout(context.threads, a, context.scratch);
  const LeftOperand x = make_left(context, {a.x, a.rows, in, in, a.dtype}, layout.compute, layout.x_copy);
  layout.up.segments[0].a = x;
  if (a.rank > 0) {
    layout.down.segments[0].a = x;
    if (layout.drops) {
      drop_to_compute(context, a.x, a.dtype, a.rows, in, *a.rng, a.site, a.dropout, layout.compute, layout.dropped);
      layout.down.segments[0].a = {layout.dropped, left_stride(in)};
    }
    with_dtype(layout.compute, [&](auto *type) {
      auto *scaled = (decltype(type))layout.h_scaled;
      gemm(context, layout.down, layout.down_plan, layout.work, [&](const Tile &tile) {
        if (a.h) store_with_bias(tile, a.h, a.rank, nullptr);
        store_scaled(tile, scaled, a.rank, a.scaling);
      });
    });
    layout.up.segments[1].a = {layout.h_scaled, left_stride(a.rank)};
  }
  with_dtype(a.dtype, [&](auto *type) {
    auto *y = (decltype(type))a.y;
    gemm(context, layout.up, layout.up_plan, layout.work,
         [&](const Tile &tile) { store_with_bias(tile, y, out, a.bias); });
  });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
