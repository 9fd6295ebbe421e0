/* lora_linear.cpp: y = x W^T + bias + scaling * dropout(x) A^T B^T, for several W, A and B. */
#include "ops/lora.h"

namespace sartor::SARTOR_ISA {
namespace {

/* Sizes, pieces of scratch and the products; left operands are filled in by the run. */
struct Layout {
  int32_t compute;
  Ranks ranks;
  bool drops;
  Product down; /* all h = x A^T side by side */
  GemmPlan down_plan;
  PlannedProduct up[SARTOR_MAX_PROJECTIONS]; /* y = x W^T + h B^T */
  const float **a_rows; /* of down: rows of all A */
  char *x_copy, *dropped, *h_scaled, *work;
  int64_t bytes;

  Layout(int threads, const sartor_lora_linear &a, char *scratch) : ranks(a) {
    const int64_t in = a.projections[0].weight.columns;
    compute = compute_dtype(a.dtype);
    drops = ranks.total > 0 && a.dropout > 0.0f;
    Scratch pieces{scratch};
    a_rows = pieces.take<const float *>(ranks.total);
    down = {a.rows, ranks.total, compute, 1, {{{}, {a_rows, RightOperand::rows_apart, SARTOR_FLOAT32}, in}}};
    down_plan = plan_gemm(threads, down);
    int64_t most = down_plan.scratch_bytes;
    for (int i = 0; i < a.projection_count; ++i) {
      const sartor_projection &p = a.projections[i];
      const RightOperand lora_b{p.lora_b, RightOperand::rows_are_n, SARTOR_FLOAT32, p.rank};
      up[i].product = {a.rows, p.weight.rows, compute, p.rank > 0 ? 2 : 1,
                       {{{}, right_operand(p.weight), in}, {{}, lora_b, p.rank}}};
      up[i].plan = plan_gemm(threads, up[i].product);
      most = maximum(most, up[i].plan.scratch_bytes);
    }
    x_copy = pieces.take<char>(left_bytes(a.rows, in, a.dtype, compute));
    dropped = pieces.take<char>(drops ? a.rows * left_stride(in) * dtype_bytes(compute) : 0);
    h_scaled = pieces.take<char>(a.rows * ranks.total * dtype_bytes(compute));
    work = pieces.take<char>(most);
    bytes = pieces.used;
  }
};

/* All h, kept as they are where asked for, and scaled as left operands. */
void project_down(Context &context, const sartor_lora_linear &a, const Layout &layout) {
  const Ranks &ranks = layout.ranks;
  const int64_t in = a.projections[0].weight.columns;
  for (int64_t row = 0; row < ranks.total; ++row) layout.a_rows[row] = nullptr;
  for (int i = 0; i < a.projection_count; ++i)
    for (int64_t r = 0; r < a.projections[i].rank; ++r)
      layout.a_rows[ranks.first[i] + r] = a.projections[i].lora_a + r * in;
  with_dtype(layout.compute, [&](auto *type) {
    auto *scaled = (decltype(type))layout.h_scaled;
    gemm(context, layout.down, layout.down_plan, layout.work, [&](const Tile &tile) {
      each_rank(a, ranks, tile, [&](int i, const Tile &part) {
        const sartor_projection &p = a.projections[i];
        if (p.h) store_with_bias(part, p.h, p.rank, nullptr);
        store_scaled(part, scaled + ranks.first[i], ranks.total, p.rank, p.scaling);
      });
    });
  });
}

}  // namespace

int64_t lora_linear_scratch(int threads, const sartor_lora_linear &a) {
  return has_projections(a) ? Layout(threads, a, nullptr).bytes : 0;
}

int32_t lora_linear(Context &context, const sartor_lora_linear &a) {
  SARTOR_TRY(check_projections(context, "lora_linear", a));
  if (a.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE(a.x, "lora_linear: x is null");
  for (int i = 0; i < a.projection_count; ++i)
    SARTOR_REQUIRE(a.projections[i].y, "lora_linear: y of projections[%d] is null", i);
  const int64_t in = a.projections[0].weight.columns;
  Layout layout(context.threads, a, context.scratch);
  const Ranks &ranks = layout.ranks;
  const LeftOperand x = make_left(context, {a.x, a.rows, in, in, a.dtype}, layout.compute, layout.x_copy);
  if (ranks.total > 0) {
    layout.down.segments[0].a = x;
    if (layout.drops) {
      drop_to_compute(context, a.x, a.dtype, a.rows, in, *a.rng, a.site, a.dropout, layout.compute, layout.dropped);
      layout.down.segments[0].a = {layout.dropped, left_stride(in)};
    }
    project_down(context, a, layout);
  }
  for (int i = 0; i < a.projection_count; ++i) {
    const char *h = layout.h_scaled + ranks.first[i] * dtype_bytes(layout.compute);
    layout.up[i].product.segments[0].a = x;
    layout.up[i].product.segments[1].a = {h, ranks.total};
  }
  with_dtype(a.dtype, [&](auto *type) {
    gemm(context, layout.up, a.projection_count, layout.work, [&](int i, const Tile &tile) {
      const sartor_projection &p = a.projections[i];
      store_with_bias(tile, (decltype(type))p.y, p.weight.rows, p.bias);
    });
  });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
