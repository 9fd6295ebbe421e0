/* lora_linear_backward.cpp: the gradients of lora_linear. */
#include "ops/lora.h"

namespace sartor::SARTOR_ISA {
namespace {

using Arguments = sartor_lora_linear_backward;

/* Sizes, pieces of scratch and the products; left operands are filled in by the run. */
struct Layout {
  int32_t compute;
  bool adapts, drops, wants_adapter, needs_dx, needs_g;
  Product down;    /* g [rows, rank] = scaling * dy B */
  Product dx;      /* dy W + g A */
  Product dropped; /* g A alone, where a mask lies between it and dx */
  Product d_a;     /* [rank, in] = g^T x */
  Product d_b;     /* [rank, out] = h^T dy: dB transposed */
  Product d_weight;
  GemmPlan down_plan, dx_plan, dropped_plan, d_a_plan, d_b_plan, d_weight_plan;
  char *dy_copy, *x_dropped, *g, *g_transposed, *h_transposed, *dy_transposed, *work;
  float *masked; /* [rows, in] */
  int64_t bytes;

  Layout(int threads, const Arguments &a, char *scratch) {
    const int64_t in = a.weight.columns, out = a.weight.rows, rank = a.rank;
    compute = compute_dtype(a.dtype);
    const int64_t element = dtype_bytes(compute);
    adapts = rank > 0;
    drops = adapts && a.dropout > 0.0f;
    wants_adapter = adapts && a.d_lora_a;
    needs_dx = a.dx;
    needs_g = adapts && (a.dx || a.d_lora_a);
    const RightOperand x{a.x, RightOperand::rows_are_k, a.dtype, in};
    const RightOperand dy{a.dy, RightOperand::rows_are_k, a.dtype, out};
    const RightOperand lora_a{a.lora_a, RightOperand::rows_are_k, SARTOR_FLOAT32, in};
    down = {a.rows, rank, compute, 1, {{{}, {a.lora_b, RightOperand::rows_are_k, SARTOR_FLOAT32, rank}, out}, {}}};
    dx = {a.rows, in, compute, adapts && !drops ? 2 : 1,
          {{{}, right_operand_transposed(a.weight), out}, {{}, lora_a, rank}}};
    dropped = {a.rows, in, compute, 1, {{{}, lora_a, rank}, {}}};
    d_a = {rank, in, compute, 1, {{{}, x, a.rows}, {}}};
    d_b = {rank, out, compute, 1, {{{}, dy, a.rows}, {}}};
    d_weight = {out, in, compute, 1, {{{}, x, a.rows}, {}}};
    const Product none{};
    down_plan = plan_gemm(threads, needs_g ? down : none);
    dx_plan = plan_gemm(threads, needs_dx ? dx : none);
    dropped_plan = plan_gemm(threads, needs_dx && drops ? dropped : none);
    d_a_plan = plan_gemm(threads, wants_adapter ? d_a : none);
    d_b_plan = plan_gemm(threads, wants_adapter ? d_b : none);
    d_weight_plan = plan_gemm(threads, a.d_weight ? d_weight : none);
    Scratch pieces{scratch};
    dy_copy = pieces.take<char>(needs_dx || needs_g ? left_bytes(a.rows, out, a.dtype, compute) : 0);
    g = pieces.take<char>(needs_g ? a.rows * left_stride(rank) * element : 0);
    masked = pieces.take<float>(needs_dx && drops ? a.rows * in : 0);
    x_dropped = pieces.take<char>(wants_adapter && drops ? a.rows * left_stride(in) * element : 0);
    g_transposed = pieces.take<char>(wants_adapter ? left_transposed_bytes(a.rows, rank, compute) : 0);
    h_transposed = pieces.take<char>(wants_adapter ? left_transposed_bytes(a.rows, rank, compute) : 0);
    dy_transposed = pieces.take<char>(a.d_weight ? left_transposed_bytes(a.rows, out, compute) : 0);
    int64_t most = 0;
    const GemmPlan *plans[] = {&down_plan, &dx_plan, &dropped_plan, &d_a_plan, &d_b_plan, &d_weight_plan};
    for (const GemmPlan *plan : plans) most = maximum(most, plan->scratch_bytes);
    work = pieces.take<char>(most);
    bytes = pieces.used;
  }
};

/* dx (+)= sums (+ masked) */
template <class T>
void store_dx(const Tile &tile, const Arguments &a, const float *masked) {
  const int64_t in = a.weight.columns;
  T *dx = (T *)a.dx;
  store_tile(tile, dx, in, [&](vf v, int64_t row, int64_t column, auto n) {
    if (masked) v += load(masked + row * in + column, n);
    if (a.accumulate) v += load(dx + row * in + column, n);
    return v;
  });
}

void store_masked(const Tile &tile, const Arguments &a, float *masked) {
  const int64_t in = a.weight.columns;
  float scales[panel_width];
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t first = (tile.row + r) * in + tile.column;
    dropout_scales(scales, first, tile.columns, a.rng->seed, a.rng->step, a.site, a.dropout);
    for (int64_t c = 0; c < tile.columns; ++c) masked[first + c] = tile.data[r * panel_width + c] * scales[c];
  }
}

/* d_bias += column sums of dy: sums of 128 rows, then the sum of those. */
template <class T>
void add_column_sums(Context &context, const T *dy, int64_t rows, int64_t width, float *d_bias) {
  constexpr int64_t row_group = 128;
  context.parallel(ceil_div(width, lanes), [&](int64_t first, int64_t last, int) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t column = block * lanes;
      const int n = (int)minimum<int64_t>(lanes, width - column);
      vf total = splat(0.0f);
      for (int64_t row = 0; row < rows; row += row_group) {
        vf part = splat(0.0f);
        for (int64_t r = row; r < minimum(row + row_group, rows); ++r) part += load(dy + r * width + column, n);
        total += part;
      }
      store(d_bias + column, load(d_bias + column, n) + total, n);
    }
  });
}

int32_t check(Context &context, const Arguments &a) {
  const char *op = "lora_linear_backward";
  SARTOR_TRY(check_weight(context, op, a.weight));
  SARTOR_TRY(check_adapter(context, op, a.rank, a.lora_a, a.lora_b, a.dropout, a.rng));
  SARTOR_REQUIRE(is_activation_dtype(a.dtype), "%s: dtype %d", op, a.dtype);
  SARTOR_REQUIRE(a.rows >= 0, "%s: rows is %lld", op, (long long)a.rows);
  if (a.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE(a.dy, "%s: dy is null", op);
  SARTOR_REQUIRE(!a.d_lora_a == !a.d_lora_b, "%s: d_lora_a and d_lora_b go together, one is null", op);
  SARTOR_REQUIRE(a.rank > 0 || !a.d_lora_a, "%s: d_lora_a is asked for, but rank is 0", op);
  SARTOR_REQUIRE(a.x || (!a.d_lora_a && !a.d_weight), "%s: x is null, but d_lora_a or d_weight needs it", op);
  SARTOR_REQUIRE(a.h || !a.d_lora_b, "%s: h is null, but d_lora_b needs it", op);
  return SARTOR_OK;
}

/* dA += g^T dropout(x) and dB += scaling * dy^T h, the latter as its transpose: a short left
 * side and a panel of dy that is read once. */
void adapter_gradients(Context &context, const Arguments &a, Layout &layout) {
  const int64_t in = a.weight.columns, rank = a.rank;
  const int32_t compute = layout.compute;
  if (layout.drops) {
    drop_to_compute(context, a.x, a.dtype, a.rows, in, *a.rng, a.site, a.dropout, compute, layout.x_dropped);
    layout.d_a.segments[0].b = {layout.x_dropped, RightOperand::rows_are_k, compute, left_stride(in)};
  }
  layout.d_a.segments[0].a =
      make_left_transposed(context, {layout.g, a.rows, rank, left_stride(rank), compute}, compute, layout.g_transposed);
  gemm(context, layout.d_a, layout.d_a_plan, layout.work, [&](const Tile &tile) { add_tile(tile, a.d_lora_a, in); });
  layout.d_b.segments[0].a =
      make_left_transposed(context, {a.h, a.rows, rank, rank, SARTOR_FLOAT32}, compute, layout.h_transposed);
  gemm(context, layout.d_b, layout.d_b_plan, layout.work, [&](const Tile &tile) {
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t c = 0; c < tile.columns; ++c)
        a.d_lora_b[(tile.column + c) * rank + tile.row + r] += a.scaling * tile.data[r * panel_width + c];
  });
}

}  // namespace

int64_t lora_linear_backward_scratch(int threads, const sartor_lora_linear_backward &a) {
  return Layout(threads, a, nullptr).bytes;
}

int32_t lora_linear_backward(Context &context, const sartor_lora_linear_backward &a) {
  SARTOR_TRY(check(context, a));
  if (a.rows == 0) return SARTOR_OK;
  const int64_t in = a.weight.columns, out = a.weight.rows;
  Layout layout(context.threads, a, context.scratch);
  const int32_t compute = layout.compute;
  LeftOperand dy{};
  if (layout.needs_dx || layout.needs_g)
    dy = make_left(context, {a.dy, a.rows, out, out, a.dtype}, compute, layout.dy_copy);
  const LeftOperand g{layout.g, left_stride(a.rank)};
  if (layout.needs_g) {
    layout.down.segments[0].a = dy;
    with_dtype(compute, [&](auto *type) {
      auto *scaled = (decltype(type))layout.g;
      gemm(context, layout.down, layout.down_plan, layout.work,
           [&](const Tile &tile) { store_scaled(tile, scaled, a.rank, a.scaling); });
    });
  }
  if (layout.needs_dx) {
    if (layout.drops) {
      layout.dropped.segments[0].a = g;
      gemm(context, layout.dropped, layout.dropped_plan, layout.work,
           [&](const Tile &tile) { store_masked(tile, a, layout.masked); });
    }
    layout.dx.segments[0].a = dy;
    layout.dx.segments[1].a = g;
    const float *masked = layout.drops ? layout.masked : nullptr;
    with_dtype(a.dtype, [&](auto *type) {
      using T = std::remove_pointer_t<decltype(type)>;
      gemm(context, layout.dx, layout.dx_plan, layout.work, [&](const Tile &tile) { store_dx<T>(tile, a, masked); });
    });
  }
  if (layout.wants_adapter) adapter_gradients(context, a, layout);
  if (a.d_weight) {
    layout.d_weight.segments[0].a =
        make_left_transposed(context, {a.dy, a.rows, out, out, a.dtype}, compute, layout.dy_transposed);
    gemm(context, layout.d_weight, layout.d_weight_plan, layout.work,
         [&](const Tile &tile) { add_tile(tile, a.d_weight, in); });
  }
  if (a.d_bias)
    with_dtype(a.dtype, [&](auto *type) {
      add_column_sums(context, (const std::remove_pointer_t<decltype(type)> *)a.dy, a.rows, out, a.d_bias);
    });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
