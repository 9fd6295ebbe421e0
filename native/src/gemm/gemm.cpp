#include "gemm/gemm.h"
#include "gemm/matvec.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t row_quantum = 24;
constexpr int64_t max_block_rows = 1536;
constexpr int64_t panel_budget = 128 * 1024; /* bytes of a panel of B that the L2 cache keeps */
constexpr int64_t merged_k = 256;            /* a second segment up to this shares the last block */

/* The panel dtype that tiles will read: pairs stay pairs, also where they are widened. */
int32_t panel_dtype(const RightOperand &b, int32_t compute) {
  if (compute == SARTOR_BFLOAT16) return SARTOR_BFLOAT16;
  return b.kind == RightOperand::packed && !is_quantized(b.dtype) ? b.dtype : SARTOR_FLOAT32;
}

bool is_own_panel(const RightOperand &b, int32_t compute) {
  return b.kind == RightOperand::packed && b.dtype == panel_dtype(b, compute);
}

int64_t bytes_of_panel(const RightOperand &b, int64_t k, int32_t compute) {
  return is_own_panel(b, compute) ? 0 : panel_elements(k, compute) * dtype_bytes(compute);
}

}  // namespace

GemmPlan plan_gemm(int threads, const Product &p) {
  GemmPlan plan{};
  plan.panel_count = ceil_div(p.n, panel_width);
  if (p.m <= 0 || p.n <= 0) {
    plan.panel_count = 0;
    return plan;
  }
  /* Blocks begin where a tile would begin anyway, so that an element's sum does not depend on
   * them: at a multiple of 6 and 8. */
  int64_t best = ceil_div(p.m, max_block_rows);
  double best_share = 0;
  const int64_t limit = minimum(ceil_div(p.m, row_quantum), best + 2 * threads);
  for (int64_t count = best; count <= limit; ++count) {
    const int64_t tasks = plan.panel_count * count;
    const double share = (double)tasks / (double)round_up(tasks, threads);
    if (share > best_share + 0.03) {
      best = count;
      best_share = share;
    }
  }
  plan.block_rows = round_up(ceil_div(p.m, best), row_quantum);
  plan.block_count = ceil_div(p.m, plan.block_rows);

  plan.matvec = is_matvec(p);
  if (plan.matvec) {
    plan.panel_bytes = p.segment_count == 2 ? bytes_of_panel(p.segments[1].b, p.segments[1].k, p.compute) : 0;
    plan.scratch_bytes = threads * round_up(plan.panel_bytes, 64);
    return plan;
  }
  const Segment &main = p.segments[0];
  const int64_t max_k_block = panel_budget / (panel_width * dtype_bytes(panel_dtype(main.b, p.compute)));
  plan.k_block_count = maximum<int64_t>(1, ceil_div(main.k, max_k_block));
  plan.k_block = maximum<int64_t>(panel_width, round_up(ceil_div(main.k, plan.k_block_count), panel_width));
  plan.k_block_count = maximum<int64_t>(1, ceil_div(main.k, plan.k_block));
  plan.merged = p.segment_count == 2 && p.segments[1].k <= merged_k;
  plan.panel_bytes = bytes_of_panel(main.b, minimum(round_up(main.k, panel_width), max_k_block), p.compute);
  if (p.segment_count == 2) {
    const int64_t second = bytes_of_panel(p.segments[1].b, p.segments[1].k, p.compute);
    plan.panel_bytes = plan.merged ? plan.panel_bytes + second : maximum(plan.panel_bytes, second);
  }
  const bool strips = plan.k_block_count > 1 || (p.segment_count == 2 && !plan.merged);
  plan.strip_floats = strips ? minimum(round_up(p.m, row_quantum), max_block_rows) * panel_width : 0;
  plan.scratch_bytes = threads * (round_up(plan.panel_bytes, 64) + plan.strip_floats * 4);
  return plan;
}

namespace {

/* One stretch of k of one segment, with its panel of B at hand. */
struct Stretch {
  const LeftOperand *a;
  int64_t k0, k;
  const char *panel;
  int32_t dtype;
};

/* Finds or makes the panel; returns where the next one may be made. */
char *open_stretch(Stretch &stretch, const Product &p, const Segment &segment, int64_t n0, int64_t k0, int64_t kc,
                   char *room) {
  const RightOperand &b = segment.b;
  stretch = {&segment.a, k0, kc, nullptr, panel_dtype(b, p.compute)};
  if (is_own_panel(b, p.compute)) {
    const int64_t elements = n0 / panel_width * panel_elements(segment.k, b.dtype) + k0 * panel_width;
    stretch.panel = (const char *)b.data + elements * dtype_bytes(b.dtype);
    return room;
  }
  const int64_t columns = round_up(minimum(panel_width, p.n - n0), lanes);
  fill_panel(b, segment.k, p.n, n0, columns, k0, kc, stretch.dtype, room);
  stretch.panel = room;
  return room + panel_elements(kc, stretch.dtype) * dtype_bytes(stretch.dtype);
}

Piece make_piece(const Stretch &stretch, int64_t row, int64_t column, int32_t compute) {
  Piece piece;
  const LeftOperand &a = *stretch.a;
  const int64_t bytes = dtype_bytes(compute);
  piece.a = (const char *)a.data + (row * a.stride + stretch.k0) * bytes;
  piece.a_stride = a.stride * bytes;
  piece.b = stretch.panel + column * 4;
  piece.k = stretch.k;
  piece.panel_dtype = stretch.dtype;
  return piece;
}

/* All tiles of one block of rows and one panel, over the open stretches. */
struct Sweep {
  const Product &product;
  const Stretch *stretches;
  int count;
  int64_t first_row, last_row, n0, columns;
  float *strip; /* null where neither read nor written */
  bool resumes; /* sums of earlier blocks are in the strip */
  FinishTile finish; /* null: sums go to the strip */
  void *closure;

  void tile(int64_t row, int rows, int64_t column, int vectors) const {
    alignas(64) float sums[max_tile_rows * panel_width];
    const int32_t compute = product.compute;
    Piece pieces[2];
    for (int i = 0; i < count; ++i) pieces[i] = make_piece(stretches[i], row, column, compute);
    float *in_strip = strip ? strip + (row - first_row) * panel_width + column : nullptr;
    Micro micro = find_micro(compute, rows, vectors);
    micro(pieces, count, resumes ? in_strip : nullptr, finish ? sums : in_strip);
    if (finish == nullptr) return;
    const int64_t width = minimum<int64_t>(vectors * lanes, columns - column);
    finish(closure, Tile{sums, row, rows, n0 + column, width});
  }

  void run() const {
    for (int64_t column = 0; column < columns; column += tile_width) {
      const int vectors = (int)ceil_div(minimum(tile_width, columns - column), lanes);
      const int full = full_tile_rows(vectors);
      for (int64_t row = first_row; row < last_row;) {
        const int64_t left = last_row - row;
        const int rows = left >= full ? full : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        tile(row, rows, column, vectors);
        row += rows;
      }
    }
  }
};

void run_matvec_task(const Product &p, int64_t n0, char *scratch, FinishTile finish, void *closure) {
  alignas(64) float sums[matvec_rows * panel_width];
  const int64_t columns = minimum(panel_width, p.n - n0);
  matvec_panel(p, n0, sums);
  if (p.segment_count == 1) return finish(closure, Tile{sums, 0, p.m, n0, columns});
  Stretch second;
  open_stretch(second, p, p.segments[1], n0, 0, p.segments[1].k, scratch);
  Sweep{p, &second, 1, 0, p.m, n0, columns, sums, true, finish, closure}.run();
}

}  // namespace

void run_gemm_task(const Product &p, const GemmPlan &plan, int64_t task, char *scratch, FinishTile finish,
                   void *closure) {
  if (plan.matvec) return run_matvec_task(p, task * panel_width, scratch, finish, closure);
  const int64_t n0 = task / plan.block_count * panel_width;
  const int64_t first_row = task % plan.block_count * plan.block_rows;
  float *strip = plan.strip_floats ? (float *)(scratch + round_up(plan.panel_bytes, 64)) : nullptr;
  Stretch stretches[2];
  const int64_t last_row = minimum(first_row + plan.block_rows, p.m);
  const int64_t columns = minimum(panel_width, p.n - n0);
  Sweep sweep{p, stretches, 0, first_row, last_row, n0, columns, strip, false, nullptr, closure};
  const bool separate = p.segment_count == 2 && !plan.merged;
  for (int64_t block = 0; block < plan.k_block_count; ++block) {
    const bool last = block + 1 == plan.k_block_count;
    const int64_t k0 = block * plan.k_block;
    const int64_t kc = minimum(plan.k_block, p.segments[0].k - k0);
    char *room = open_stretch(stretches[0], p, p.segments[0], n0, k0, kc, scratch);
    sweep.count = 1;
    if (last && plan.merged) {
      open_stretch(stretches[1], p, p.segments[1], n0, 0, p.segments[1].k, room);
      sweep.count = 2;
    }
    sweep.finish = last && !separate ? finish : nullptr;
    sweep.run();
    sweep.resumes = true;
  }
  if (separate) {
    open_stretch(stretches[0], p, p.segments[1], n0, 0, p.segments[1].k, scratch);
    sweep.count = 1;
    sweep.finish = finish;
    sweep.run();
  }
}

}  // namespace sartor::SARTOR_ISA
