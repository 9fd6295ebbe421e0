/* grouped_linear_backward.cpp: the gradients of grouped_linear. */
#include "ops/grouped_linear.h"

namespace sartor::SARTOR_ISA {
namespace {

using Arguments = sartor_grouped_linear_backward;
using Projection = sartor_expert_projection_backward;

/* Pieces of scratch: enough for any distribution of the rows. */
struct Layout {
  int32_t compute;
  Ranks ranks;
  bool needs_g, wants_adapter, wants_weight;
  Scratch pieces;
  Group *adapters;
  TransposedLeft *turned; /* adapters or experts, of one matrix or all projections' */
  char *x_copy; /* gathered rows */
  char *dy_copies[SARTOR_MAX_PROJECTIONS];
  char *g, *g_transposed, *h_transposed[SARTOR_MAX_PROJECTIONS], *dy_transposed;
  float *dx_rows; /* [rows, in], where a permutation lies between them and dx */
  Products down, dx, d_a, d_b, d_weight[SARTOR_MAX_PROJECTIONS];
  char *work;

  Layout(int threads, const Arguments &a, char *scratch)
      : compute(compute_dtype(a.dtype)),
        ranks(a),
        needs_g(false),
        wants_adapter(false),
        wants_weight(false),
        pieces{scratch},
        adapters(pieces.take<Group>(a.adapter_count)),
        turned(pieces.take<TransposedLeft>((int64_t)a.experts * a.projection_count)),
        down(pieces, (int64_t)a.adapter_count * a.projection_count),
        dx(pieces, a.dx ? a.experts : 0),
        d_a(pieces, a.adapter_count),
        d_b(pieces, (int64_t)a.adapter_count * a.projection_count),
        d_weight{{pieces, weights(a, 0)}, {pieces, weights(a, 1)}, {pieces, weights(a, 2)}} {
    static_assert(SARTOR_MAX_PROJECTIONS == 3);
    int64_t dy_columns = 0;
    for (int i = 0; i < a.projection_count; ++i) {
      const Projection &p = a.projections[i];
      wants_adapter |= p.d_lora_a != nullptr;
      wants_weight |= p.d_weight != nullptr;
      if (p.d_weight) dy_columns = maximum(dy_columns, p.out);
    }
    needs_g = ranks.total > 0 && (a.dx || wants_adapter);
    x_copy = pieces.take<char>(a.permutation && (wants_adapter || wants_weight) ? left_copy_bytes(a.rows, a.in, compute) : 0);
    for (int i = 0; i < a.projection_count; ++i) {
      const Projection &p = a.projections[i];
      dy_copies[i] = pieces.take<char>(a.dx || needs_g ? left_bytes(a.rows, p.out, a.dtype, compute) : 0);
      h_transposed[i] = pieces.take<char>(p.d_lora_b ? left_transposed_bound(a.adapter_count, a.rows, p.rank, compute) : 0);
    }
    g = pieces.take<char>(needs_g ? a.rows * ranks.total * dtype_bytes(compute) : 0);
    g_transposed = pieces.take<char>(wants_adapter ? left_transposed_bound(a.adapter_count, a.rows, ranks.total, compute) : 0);
    dy_transposed = pieces.take<char>(left_transposed_bound(a.experts, a.rows, dy_columns, compute));
    dx_rows = pieces.take<float>(a.dx && a.permutation ? a.rows * a.in : 0);
    work = pieces.take<char>(work_bytes(threads, a));
  }

  /* g of one projection = scaling * dy B */
  Product down_product(const Arguments &a, int i, const Group &group) const {
    const Projection &p = a.projections[i];
    const RightOperand b{p.lora_b + group.index * p.out * p.rank, RightOperand::rows_are_k, SARTOR_FLOAT32, p.rank};
    return {group.rows, p.rank, compute, 1, {{{}, b, p.out}}};
  }

  /* dx of an expert's rows = sum of dy W and g A; adapter -1: of dy W */
  Product dx_product(const Arguments &a, int32_t expert, int64_t rows, int32_t adapter) const {
    Product product{rows, a.in, compute, 0, {}};
    for (int i = 0; i < a.projection_count; ++i)
      product.segments[product.segment_count++] = {{}, right_operand_transposed(a.projections[i].weights[expert]), a.projections[i].out};
    for (int i = 0; i < a.projection_count; ++i) {
      const Projection &p = a.projections[i];
      if (p.rank == 0 || adapter < 0) continue;
      const RightOperand lora_a{p.lora_a + adapter * p.rank * a.in, RightOperand::rows_are_k, SARTOR_FLOAT32, a.in};
      product.segments[product.segment_count++] = {{}, lora_a, p.rank};
    }
    return product;
  }

  /* Sums over rows: [m, n] = left^T right, for rows from `first` on of a right operand. Without rows
   * there is nothing to add, and no product. */
  Product sum_product(const RightOperand &b, int64_t m, int64_t n, int64_t first, int64_t rows) const {
    RightOperand from = b;
    if (from.data) from.data = (const char *)b.data + first * b.stride * dtype_bytes(b.dtype);
    return {rows > 0 ? m : 0, n, compute, 1, {{{}, from, rows}}};
  }

  RightOperand x_operand(const Arguments &a) const {
    if (a.permutation) return {x_copy, RightOperand::rows_are_k, compute, left_stride(a.in)};
    return {a.x, RightOperand::rows_are_k, a.dtype, a.in};
  }
  static RightOperand dy_operand(const Arguments &a, int i) {
    return {a.projections[i].dy, RightOperand::rows_are_k, a.dtype, a.projections[i].out};
  }

 private:
  static int64_t weights(const Arguments &a, int i) {
    return i < a.projection_count && a.projections[i].d_weight ? a.experts : 0;
  }

  int64_t work_bytes(int threads, const Arguments &a) {
    const Group all{0, 0, a.rows};
    for (int i = 0; i < a.projection_count; ++i) {
      const Projection &p = a.projections[i];
      if (needs_g && p.rank > 0) down.room_for(threads, down_product(a, i, all));
      if (p.d_lora_b) d_b.room_for(threads, sum_product(dy_operand(a, i), p.rank, p.out, 0, a.rows));
      if (p.d_weight) d_weight[i].room_for(threads, sum_product(x_operand(a), p.out, a.in, 0, a.rows));
    }
    for (int32_t e = 0; a.dx && e < a.experts; ++e) {
      dx.room_for(threads, dx_product(a, e, a.rows, 0));
      dx.room_for(threads, dx_product(a, e, a.rows, -1));
    }
    if (wants_adapter) d_a.room_for(threads, sum_product(x_operand(a), ranks.total, a.in, 0, a.rows));
    int64_t most = maximum(maximum(down.bytes(), dx.bytes()), maximum(d_a.bytes(), d_b.bytes()));
    for (const Products &each : d_weight) most = maximum(most, each.bytes());
    return most;
  }
};

int32_t check(Context &context, const Arguments &a) {
  const char *op = "grouped_linear_backward";
  SARTOR_TRY(check_groups(context, op, a));
  if (a.dx && a.permutation) SARTOR_TRY(check_inverse(context, op, a.inverse, a.rows, a.rows));
  for (int i = 0; i < a.projection_count; ++i) {
    const Projection &p = a.projections[i];
    SARTOR_REQUIRE(p.dy, "%s: dy of projections[%d] is null", op, i);
    SARTOR_REQUIRE(!p.d_lora_a == !p.d_lora_b, "%s: d_lora_a and d_lora_b go together, one is null", op);
    SARTOR_REQUIRE(p.rank > 0 || !p.d_lora_a, "%s: d_lora_a is asked for, but rank is 0", op);
    SARTOR_REQUIRE(a.x || (!p.d_lora_a && !p.d_weight), "%s: x is null, but d_lora_a or d_weight needs it", op);
    SARTOR_REQUIRE(p.h || !p.d_lora_b, "%s: h is null, but d_lora_b needs it", op);
  }
  return SARTOR_OK;
}

/* g of all projections, side by side. */
void project_down(Context &context, const Arguments &a, Layout &layout, const LeftOperand *dy, int64_t adapters) {
  for (int64_t g = 0; g < adapters; ++g)
    for (int i = 0; i < a.projection_count; ++i)
      layout.down.add(layout.down_product(a, i, layout.adapters[g])).segments[0].a =
          rows_from(dy[i], layout.adapters[g].first, layout.compute);
  with_dtype(layout.compute, [&](auto *type) {
    layout.down.run(context, layout.work, [&](int at, const Tile &tile) {
      const int i = at % a.projection_count;
      const int64_t first = layout.adapters[at / a.projection_count].first;
      auto *scaled = (decltype(type))layout.g + first * layout.ranks.total + layout.ranks.first[i];
      store_scaled(tile, scaled, layout.ranks.total, a.projections[i].rank, a.projections[i].scaling);
    });
  });
}

template <class T>
void input_gradient(Context &context, const Arguments &a, Layout &layout, const LeftOperand *dy) {
  const Ranks &ranks = layout.ranks;
  const int64_t in = a.in, kept = a.offsets[a.experts];
  for (int32_t e = 0; e < a.experts; ++e) {
    const int32_t adapter = ranks.total > 0 ? a.adapters[e] : -1;
    const int64_t first = a.offsets[e];
    Product &product = layout.dx.add(layout.dx_product(a, e, a.offsets[e + 1] - first, adapter));
    int segment = 0;
    for (int i = 0; i < a.projection_count; ++i) product.segments[segment++].a = rows_from(dy[i], first, layout.compute);
    for (int i = 0; segment < product.segment_count; ++i) {
      if (a.projections[i].rank == 0) continue;
      const LeftOperand g{layout.g + ranks.first[i] * dtype_bytes(layout.compute), ranks.total};
      product.segments[segment++].a = rows_from(g, first, layout.compute);
    }
  }
  layout.dx.run(context, layout.work, [&](int e, const Tile &tile) {
    if (a.permutation) return store_with_bias(tile, layout.dx_rows + a.offsets[e] * in, in, nullptr);
    T *dx = (T *)a.dx + a.offsets[e] * in;
    a.accumulate ? add_tile(tile, dx, in) : store_with_bias(tile, dx, in, nullptr);
  });
  if (a.permutation)
    sum_rows<T>(context, layout.dx_rows, nullptr, a.inverse, a.rows / a.top_k, a.top_k, in, (T *)a.dx, a.accumulate);
  else if (!a.accumulate)
    zero_unused_rows(a.dx, kept, a.rows, in * sizeof(T));
}

/* dA += g^T x of all projections at once, and dB += scaling * dy^T h as its transpose. */
void adapter_gradients(Context &context, const Arguments &a, Layout &layout, int64_t adapters) {
  const int32_t compute = layout.compute;
  const Ranks &ranks = layout.ranks;
  const int64_t in = a.in;
  char *copy = layout.g_transposed;
  for (int64_t g = 0; g < adapters; ++g) {
    const Group &group = layout.adapters[g];
    const char *rows = layout.g + group.first * ranks.total * dtype_bytes(compute);
    layout.turned[g] = {{rows, group.rows, ranks.total, ranks.total, compute}, copy, 0};
    copy += left_transposed_bytes(group.rows, ranks.total, compute);
  }
  make_left_transposed(context, layout.turned, adapters, compute);
  for (int64_t g = 0; g < adapters; ++g) {
    const Group &group = layout.adapters[g];
    layout.d_a.add(layout.sum_product(layout.x_operand(a), ranks.total, in, group.first, group.rows)).segments[0].a =
        layout.turned[g].operand();
  }
  layout.d_a.run(context, layout.work, [&](int g, const Tile &tile) {
    for (int i = 0; i < a.projection_count; ++i) {
      const Projection &p = a.projections[i];
      const Tile part = rows_of(tile, ranks.first[i], p.rank);
      if (p.d_lora_a && part.rows > 0) add_tile(part, p.d_lora_a + layout.adapters[g].index * p.rank * in, in);
    }
  });
  int64_t count = 0;
  for (int i = 0; i < a.projection_count; ++i) {
    const Projection &p = a.projections[i];
    copy = layout.h_transposed[i];
    for (int64_t g = 0; p.d_lora_b && g < adapters; ++g) {
      const Group &group = layout.adapters[g];
      layout.turned[count++] = {{p.h + group.first * p.rank, group.rows, p.rank, p.rank, SARTOR_FLOAT32}, copy, 0};
      copy += left_transposed_bytes(group.rows, p.rank, compute);
    }
  }
  make_left_transposed(context, layout.turned, count, compute);
  int at[SARTOR_MAX_PROJECTIONS * SARTOR_MAX_EXPERTS]; /* the projection of each product */
  count = 0;
  for (int i = 0; i < a.projection_count; ++i) {
    const Projection &p = a.projections[i];
    for (int64_t g = 0; p.d_lora_b && g < adapters; ++g) {
      const Group &group = layout.adapters[g];
      at[count] = i;
      layout.d_b.add(layout.sum_product(Layout::dy_operand(a, i), p.rank, p.out, group.first, group.rows)).segments[0].a =
          layout.turned[count].operand();
      ++count;
    }
  }
  layout.d_b.run(context, layout.work, [&](int index, const Tile &tile) {
    const Projection &p = a.projections[at[index]];
    float *d_lora_b = p.d_lora_b + layout.adapters[index % adapters].index * p.out * p.rank;
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t c = 0; c < tile.columns; ++c)
        d_lora_b[(tile.column + c) * p.rank + tile.row + r] += p.scaling * tile.data[r * panel_width + c];
  });
}

/* dW and dbias of projection i. */
void layer_gradients(Context &context, const Arguments &a, Layout &layout, int i) {
  const Projection &p = a.projections[i];
  const int64_t element = a.dtype == SARTOR_FLOAT32 ? 4 : 2;
  if (p.d_weight) {
    char *copy = layout.dy_transposed;
    for (int32_t e = 0; e < a.experts; ++e) {
      const int64_t rows = a.offsets[e + 1] - a.offsets[e];
      layout.turned[e] = {{(const char *)p.dy + a.offsets[e] * p.out * element, rows, p.out, p.out, a.dtype}, copy, 0};
      copy += left_transposed_bytes(rows, p.out, layout.compute);
    }
    make_left_transposed(context, layout.turned, a.experts, layout.compute);
    for (int32_t e = 0; e < a.experts; ++e) {
      const int64_t rows = a.offsets[e + 1] - a.offsets[e];
      layout.d_weight[i].add(layout.sum_product(layout.x_operand(a), p.out, a.in, a.offsets[e], rows)).segments[0].a =
          layout.turned[e].operand();
    }
    layout.d_weight[i].run(context, layout.work,
                           [&](int e, const Tile &tile) { add_tile(tile, p.d_weight + e * p.out * a.in, a.in); });
  }
  for (int32_t e = 0; p.d_bias && e < a.experts; ++e) {
    with_dtype(a.dtype, [&](auto *type) {
      using T = std::remove_pointer_t<decltype(type)>;
      add_column_sums(context, (const T *)p.dy + a.offsets[e] * p.out, a.offsets[e + 1] - a.offsets[e], p.out, p.d_bias + e * p.out);
    });
  }
}

}  // namespace

int64_t grouped_linear_backward_scratch(int threads, const sartor_grouped_linear_backward &a) {
  return has_groups(a) ? Layout(threads, a, nullptr).pieces.used : 0;
}

int32_t grouped_linear_backward(Context &context, const sartor_grouped_linear_backward &a) {
  SARTOR_TRY(check(context, a));
  Layout layout(context.threads, a, context.scratch);
  const int64_t kept = a.offsets[a.experts];
  LeftOperand dy[SARTOR_MAX_PROJECTIONS];
  for (int i = 0; i < a.projection_count && (a.dx || layout.needs_g); ++i) {
    const Projection &p = a.projections[i];
    dy[i] = make_left(context, {p.dy, kept, p.out, p.out, a.dtype}, layout.compute, layout.dy_copies[i]);
  }
  if (a.permutation && (layout.wants_adapter || layout.wants_weight))
    make_left(context, {a.x, kept, a.in, a.in, a.dtype, a.permutation, a.top_k}, layout.compute, layout.x_copy);
  const int64_t adapters = layout.needs_g ? find_adapters(a, layout.adapters) : 0;
  if (layout.needs_g) project_down(context, a, layout, dy, adapters);
  if (a.dx) with_dtype(a.dtype, [&](auto *type) { input_gradient<std::remove_pointer_t<decltype(type)>>(context, a, layout, dy); });
  if (layout.wants_adapter) adapter_gradients(context, a, layout, adapters);
  for (int i = 0; i < a.projection_count; ++i) layer_gradients(context, a, layout, i);
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
