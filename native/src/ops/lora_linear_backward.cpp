/* lora_linear_backward.cpp: the gradients of lora_linear. */
#include "ops/lora.h"

namespace sartor::SARTOR_ISA {
namespace {

using Arguments = sartor_lora_linear_backward;

/* Sizes, pieces of scratch and the products; left operands are filled in by the run. */
struct Layout {
  int32_t compute;
  Ranks ranks;
  bool drops, needs_dx, needs_g, wants_adapter;
  PlannedProduct down[SARTOR_MAX_PROJECTIONS]; /* g [rows, rank] = scaling * dy B */
  PlannedProduct dx;                           /* sum of dy W and g A */
  PlannedProduct dropped;                      /* g A alone, where a mask lies between it and dx */
  PlannedProduct d_a;                          /* [ranks.total, in] = g^T x */
  PlannedProduct d_b[SARTOR_MAX_PROJECTIONS];  /* [rank, out] = h^T dy: dB transposed */
  PlannedProduct d_weight[SARTOR_MAX_PROJECTIONS];
  char *dy_copies[SARTOR_MAX_PROJECTIONS], *h_transposed[SARTOR_MAX_PROJECTIONS];
  char *x_dropped, *g, *g_transposed, *dy_transposed, *work;
  float *masked; /* [rows, in] */
  int64_t bytes;

  Layout(int threads, const Arguments &a, char *scratch) : ranks(a), threads_(threads) {
    const int64_t in = a.projections[0].weight.columns;
    compute = compute_dtype(a.dtype);
    const int64_t element = dtype_bytes(compute);
    drops = ranks.total > 0 && a.dropout > 0.0f;
    needs_dx = a.dx;
    wants_adapter = false;
    for (int i = 0; i < a.projection_count; ++i) wants_adapter |= a.projections[i].d_lora_a != nullptr;
    needs_g = ranks.total > 0 && (needs_dx || wants_adapter);
    const RightOperand x{a.x, RightOperand::rows_are_k, a.dtype, in};
    Scratch pieces{scratch};
    int64_t dy_columns = 0; /* of the widest dy that is transposed */
    dx.product = dropped.product = {a.rows, in, compute, 0, {}};
    for (int i = 0; i < a.projection_count; ++i) {
      const sartor_projection_backward &p = a.projections[i];
      const int64_t out = p.weight.rows;
      const RightOperand dy{p.dy, RightOperand::rows_are_k, a.dtype, out};
      add_segment(dx.product, right_operand_transposed(p.weight), out);
      const RightOperand lora_b{p.lora_b, RightOperand::rows_are_k, SARTOR_FLOAT32, p.rank};
      plan(down[i], needs_g, {a.rows, p.rank, compute, 1, {{{}, lora_b, out}}});
      plan(d_b[i], p.d_lora_b, {p.rank, out, compute, 1, {{{}, dy, a.rows}}});
      plan(d_weight[i], p.d_weight, {out, in, compute, 1, {{{}, x, a.rows}}});
      if (p.d_weight) dy_columns = maximum(dy_columns, out);
      dy_copies[i] = pieces.take<char>(needs_dx || needs_g ? left_bytes(a.rows, out, a.dtype, compute) : 0);
      h_transposed[i] = pieces.take<char>(p.d_lora_b ? left_transposed_bytes(a.rows, p.rank, compute) : 0);
    }
    for (int i = 0; i < a.projection_count; ++i) {
      const sartor_projection_backward &p = a.projections[i];
      const RightOperand lora_a{p.lora_a, RightOperand::rows_are_k, SARTOR_FLOAT32, in};
      if (p.rank > 0) add_segment(drops ? dropped.product : dx.product, lora_a, p.rank);
    }
    plan(dx, needs_dx, dx.product);
    plan(dropped, needs_dx && drops, dropped.product);
    plan(d_a, wants_adapter, {ranks.total, in, compute, 1, {{{}, x, a.rows}}});
    g = pieces.take<char>(needs_g ? a.rows * ranks.total * element : 0);
    masked = pieces.take<float>(needs_dx && drops ? a.rows * in : 0);
    x_dropped = pieces.take<char>(wants_adapter && drops ? a.rows * left_stride(in) * element : 0);
    g_transposed = pieces.take<char>(wants_adapter ? left_transposed_bytes(a.rows, ranks.total, compute) : 0);
    dy_transposed = pieces.take<char>(left_transposed_bytes(a.rows, dy_columns, compute));
    work = pieces.take<char>(most_);
    bytes = pieces.used;
  }

 private:
  int threads_;
  int64_t most_ = 0;

  static void add_segment(Product &product, const RightOperand &b, int64_t k) {
    product.segments[product.segment_count++] = {{}, b, k};
  }

  /* A product that is not wanted has no tasks. */
  void plan(PlannedProduct &planned, bool wanted, const Product &product) {
    planned.product = product;
    planned.plan = plan_gemm(threads_, wanted ? product : Product{});
    most_ = maximum(most_, planned.plan.scratch_bytes);
  }
};

/* dx (+)= sums (+ masked) */
template <class T>
void store_dx(const Tile &tile, const Arguments &a, int64_t in, const float *masked) {
  T *dx = (T *)a.dx;
  store_tile(tile, dx, in, [&](vf v, int64_t row, int64_t column, auto n) {
    if (masked) v += load(masked + row * in + column, n);
    if (a.accumulate) v += load(dx + row * in + column, n);
    return v;
  });
}

void store_masked(const Tile &tile, const Arguments &a, int64_t in, float *masked) {
  float scales[panel_width];
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t first = (tile.row + r) * in + tile.column;
    dropout_scales(scales, first, tile.columns, a.rng->seed, a.rng->step, a.site, a.dropout);
    for (int64_t c = 0; c < tile.columns; ++c) masked[first + c] = tile.data[r * panel_width + c] * scales[c];
  }
}

int32_t check(Context &context, const Arguments &a) {
  const char *op = "lora_linear_backward";
  SARTOR_TRY(check_projections(context, op, a));
  if (a.rows == 0) return SARTOR_OK;
  for (int i = 0; i < a.projection_count; ++i) {
    const sartor_projection_backward &p = a.projections[i];
    SARTOR_REQUIRE(p.dy, "%s: dy of projections[%d] is null", op, i);
    SARTOR_REQUIRE(!p.d_lora_a == !p.d_lora_b, "%s: d_lora_a and d_lora_b go together, one is null", op);
    SARTOR_REQUIRE(p.rank > 0 || !p.d_lora_a, "%s: d_lora_a is asked for, but rank is 0", op);
    SARTOR_REQUIRE(a.x || (!p.d_lora_a && !p.d_weight), "%s: x is null, but d_lora_a or d_weight needs it", op);
    SARTOR_REQUIRE(p.h || !p.d_lora_b, "%s: h is null, but d_lora_b needs it", op);
  }
  return SARTOR_OK;
}

/* g of all projections, side by side. */
void project_down(Context &context, const Arguments &a, const Layout &layout) {
  with_dtype(layout.compute, [&](auto *type) {
    auto *scaled = (decltype(type))layout.g;
    gemm(context, layout.down, a.projection_count, layout.work, [&](int i, const Tile &tile) {
      const sartor_projection_backward &p = a.projections[i];
      store_scaled(tile, scaled + layout.ranks.first[i], layout.ranks.total, p.rank, p.scaling);
    });
  });
}

void input_gradient(Context &context, const Arguments &a, const Layout &layout, int64_t in) {
  if (layout.drops)
    gemm(context, &layout.dropped, 1, layout.work,
         [&](int, const Tile &tile) { store_masked(tile, a, in, layout.masked); });
  const float *masked = layout.drops ? layout.masked : nullptr;
  with_dtype(a.dtype, [&](auto *type) {
    using T = std::remove_pointer_t<decltype(type)>;
    gemm(context, &layout.dx, 1, layout.work, [&](int, const Tile &tile) { store_dx<T>(tile, a, in, masked); });
  });
}

/* dA += g^T dropout(x) of all at once, and dB += scaling * dy^T h, the latter as its transpose: a
 * short left side and a panel of dy that is read once. */
void adapter_gradients(Context &context, const Arguments &a, Layout &layout, int64_t in) {
  const int32_t compute = layout.compute;
  const Ranks &ranks = layout.ranks;
  Segment &d_a = layout.d_a.product.segments[0];
  if (layout.drops) {
    drop_to_compute(context, a.x, a.dtype, a.rows, in, *a.rng, a.site, a.dropout, compute, layout.x_dropped);
    d_a.b = {layout.x_dropped, RightOperand::rows_are_k, compute, left_stride(in)};
  }
  d_a.a = make_left_transposed(context, {layout.g, a.rows, ranks.total, ranks.total, compute}, compute,
                               layout.g_transposed);
  gemm(context, &layout.d_a, 1, layout.work, [&](int, const Tile &tile) {
    for (int i = 0; i < a.projection_count; ++i) {
      const Tile part = rows_of(tile, ranks.first[i], a.projections[i].rank);
      if (a.projections[i].d_lora_a && part.rows > 0) add_tile(part, a.projections[i].d_lora_a, in);
    }
  });
  for (int i = 0; i < a.projection_count; ++i) {
    const sartor_projection_backward &p = a.projections[i];
    if (!p.d_lora_b) continue;
    layout.d_b[i].product.segments[0].a = make_left_transposed(
        context, {p.h, a.rows, p.rank, p.rank, SARTOR_FLOAT32}, compute, layout.h_transposed[i]);
  }
  gemm(context, layout.d_b, a.projection_count, layout.work, [&](int i, const Tile &tile) {
    const sartor_projection_backward &p = a.projections[i];
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t c = 0; c < tile.columns; ++c)
        p.d_lora_b[(tile.column + c) * p.rank + tile.row + r] += p.scaling * tile.data[r * panel_width + c];
  });
}

/* dW and dbias of projection i. */
void layer_gradients(Context &context, const Arguments &a, Layout &layout, int i) {
  const sartor_projection_backward &p = a.projections[i];
  const int64_t in = p.weight.columns, out = p.weight.rows;
  if (p.d_weight) {
    layout.d_weight[i].product.segments[0].a = make_left_transposed(
        context, {p.dy, a.rows, out, out, a.dtype}, layout.compute, layout.dy_transposed);
    gemm(context, &layout.d_weight[i], 1, layout.work,
         [&](int, const Tile &tile) { add_tile(tile, p.d_weight, in); });
  }
  if (p.d_bias)
    with_dtype(a.dtype, [&](auto *type) {
      add_column_sums(context, (const std::remove_pointer_t<decltype(type)> *)p.dy, a.rows, out, p.d_bias);
    });
}

}  // namespace

int64_t lora_linear_backward_scratch(int threads, const sartor_lora_linear_backward &a) {
  return has_projections(a) ? Layout(threads, a, nullptr).bytes : 0;
}

int32_t lora_linear_backward(Context &context, const sartor_lora_linear_backward &a) {
  SARTOR_TRY(check(context, a));
  if (a.rows == 0) return SARTOR_OK;
  const int64_t in = a.projections[0].weight.columns;
  Layout layout(context.threads, a, context.scratch);
  const Ranks &ranks = layout.ranks;
  int adapter = a.projection_count; /* the segment of dx that is the next adapter's */
  for (int i = 0; i < a.projection_count && (layout.needs_dx || layout.needs_g); ++i) {
    const sartor_projection_backward &p = a.projections[i];
    const int64_t out = p.weight.rows;
    const LeftOperand dy = make_left(context, {p.dy, a.rows, out, out, a.dtype}, layout.compute, layout.dy_copies[i]);
    layout.down[i].product.segments[0].a = layout.dx.product.segments[i].a = dy;
    if (p.rank == 0) continue;
    const LeftOperand g{layout.g + ranks.first[i] * dtype_bytes(layout.compute), ranks.total};
    (layout.drops ? layout.dropped.product.segments[0] : layout.dx.product.segments[adapter++]).a = g;
  }
  if (layout.needs_g) project_down(context, a, layout);
  if (layout.needs_dx) input_gradient(context, a, layout, in);
  if (layout.wants_adapter) adapter_gradients(context, a, layout, in);
  for (int i = 0; i < a.projection_count; ++i) layer_gradients(context, a, layout, i);
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
