/* grouped_linear.cpp: the experts' linear layers with their adapters, each on its own rows. */
#include "ops/grouped_linear.h"

namespace sartor::SARTOR_ISA {
namespace {

/* Pieces of scratch: enough for any distribution of the rows. */
struct Layout {
  int32_t compute;
  Ranks ranks;
  Scratch pieces;
  Group *adapters;
  const float **a_rows; /* of each adapter: rows of all projections' A */
  char *x_copy, *h_scaled;
  Products down, up; /* all h = x A^T side by side; y = x W^T + h B^T */
  char *work;

  Layout(int threads, const sartor_grouped_linear &a, char *scratch)
      : compute(compute_dtype(a.dtype)),
        ranks(a),
        pieces{scratch},
        adapters(pieces.take<Group>(a.adapter_count)),
        a_rows(pieces.take<const float *>(a.adapter_count * ranks.total)),
        x_copy(pieces.take<char>(a.permutation ? left_copy_bytes(a.rows, a.in, compute)
                                               : left_bytes(a.rows, a.in, a.dtype, compute))),
        h_scaled(pieces.take<char>(a.rows * ranks.total * dtype_bytes(compute))),
        down(pieces, a.adapter_count),
        up(pieces, (int64_t)a.experts * a.projection_count) {
    if (ranks.total > 0) down.room_for(threads, down_product(a, a.rows, nullptr));
    for (int32_t e = 0; e < a.experts; ++e)
      for (int i = 0; i < a.projection_count; ++i) up.room_for(threads, up_product(a, i, e, a.rows, a.projections[i].rank > 0 ? 0 : -1));
    work = pieces.take<char>(maximum(down.bytes(), up.bytes()));
  }

  Product down_product(const sartor_grouped_linear &a, int64_t rows, const float **of) const {
    return {rows, ranks.total, compute, 1, {{{}, {of, RightOperand::rows_apart, SARTOR_FLOAT32}, a.in}}};
  }

  /* adapter -1: none */
  Product up_product(const sartor_grouped_linear &a, int i, int32_t expert, int64_t rows, int32_t adapter) const {
    const sartor_expert_projection &p = a.projections[i];
    Product product{rows, p.out, compute, 1, {{{}, right_operand(p.weights[expert]), a.in}}};
    if (adapter < 0) return product;
    const RightOperand lora_b{p.lora_b + adapter * p.out * p.rank, RightOperand::rows_are_n, SARTOR_FLOAT32, p.rank};
    product.segments[product.segment_count++] = {{}, lora_b, p.rank};
    return product;
  }
};

/* All h, kept as they are where asked for, and scaled as left operands. */
void project_down(Context &context, const sartor_grouped_linear &a, Layout &layout, const LeftOperand &x) {
  const Ranks &ranks = layout.ranks;
  const int64_t count = find_adapters(a, layout.adapters);
  for (int64_t g = 0; g < count; ++g) {
    const Group &group = layout.adapters[g];
    const float **a_rows = layout.a_rows + g * ranks.total;
    for (int64_t row = 0; row < ranks.total; ++row) a_rows[row] = nullptr;
    for (int i = 0; i < a.projection_count; ++i) {
      const sartor_expert_projection &p = a.projections[i];
      for (int64_t r = 0; r < p.rank; ++r) a_rows[ranks.first[i] + r] = p.lora_a + (group.index * p.rank + r) * a.in;
    }
    layout.down.add(layout.down_product(a, group.rows, a_rows)).segments[0].a = rows_from(x, group.first, layout.compute);
  }
  with_dtype(layout.compute, [&](auto *type) {
    layout.down.run(context, layout.work, [&](int g, const Tile &tile) {
      const int64_t first = layout.adapters[g].first;
      auto *scaled = (decltype(type))layout.h_scaled + first * ranks.total;
      each_rank(a, ranks, tile, [&](int i, const Tile &part) {
        const sartor_expert_projection &p = a.projections[i];
        if (p.h) store_with_bias(part, p.h + first * p.rank, p.rank, nullptr);
        store_scaled(part, scaled + ranks.first[i], ranks.total, p.rank, p.scaling);
      });
    });
  });
  for (int i = 0; i < a.projection_count; ++i) {
    const sartor_expert_projection &p = a.projections[i];
    for (int32_t e = 0; p.h && e < a.experts; ++e)
      if (a.adapters[e] < 0)
        memset(p.h + a.offsets[e] * p.rank, 0, sizeof(float) * (size_t)((a.offsets[e + 1] - a.offsets[e]) * p.rank));
  }
}

}  // namespace

int64_t grouped_linear_scratch(int threads, const sartor_grouped_linear &a) {
  return has_groups(a) ? Layout(threads, a, nullptr).pieces.used : 0;
}

int32_t grouped_linear(Context &context, const sartor_grouped_linear &a) {
  SARTOR_TRY(check_groups(context, "grouped_linear", a));
  SARTOR_REQUIRE(a.x, "grouped_linear: x is null");
  for (int i = 0; i < a.projection_count; ++i)
    SARTOR_REQUIRE(a.projections[i].y, "grouped_linear: y of projections[%d] is null", i);
  Layout layout(context.threads, a, context.scratch);
  const Ranks &ranks = layout.ranks;
  const int64_t kept = a.offsets[a.experts];
  const LeftOperand x = make_left(context, {a.x, kept, a.in, a.in, a.dtype, a.permutation, a.top_k}, layout.compute, layout.x_copy);
  if (ranks.total > 0) project_down(context, a, layout, x);
  for (int32_t e = 0; e < a.experts; ++e) {
    for (int i = 0; i < a.projection_count; ++i) {
      const int32_t adapter = a.projections[i].rank > 0 ? a.adapters[e] : -1;
      Product &product = layout.up.add(layout.up_product(a, i, e, a.offsets[e + 1] - a.offsets[e], adapter));
      product.segments[0].a = rows_from(x, a.offsets[e], layout.compute);
      const LeftOperand h{layout.h_scaled + ranks.first[i] * dtype_bytes(layout.compute), ranks.total};
      product.segments[1].a = rows_from(h, a.offsets[e], layout.compute);
    }
  }
  with_dtype(a.dtype, [&](auto *type) {
    using T = std::remove_pointer_t<decltype(type)>;
    layout.up.run(context, layout.work, [&](int at, const Tile &tile) {
      const sartor_expert_projection &p = a.projections[at % a.projection_count];
      const int32_t e = at / a.projection_count;
      store_with_bias(tile, (T *)p.y + a.offsets[e] * p.out, p.out, p.bias ? p.bias + e * p.out : nullptr);
    });
    for (int i = 0; i < a.projection_count; ++i) {
      const sartor_expert_projection &p = a.projections[i];
      zero_unused_rows(p.y, kept, a.rows, p.out * sizeof(T));
      if (p.h) zero_unused_rows(p.h, kept, a.rows, p.rank * sizeof(float));
    }
  });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
