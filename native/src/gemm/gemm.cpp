#include "gemm/gemm.h"
#include "gemm/matvec.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t row_quantum = 24;
constexpr int64_t max_block_rows = 1536;
constexpr int64_t panel_budget = 256 * 1024; /* bytes of a panel of B that the L2 cache keeps */
constexpr int64_t merged_k = 256;            /* later segments up to this together share a pass */

/* The panel dtype that tiles will read: pairs stay pairs, also where they are widened. */
int32_t panel_dtype(const RightOperand &b, int32_t compute) {
  if (compute == SARTOR_BFLOAT16) return SARTOR_BFLOAT16;
  return b.kind == RightOperand::packed && !is_quantized(b.dtype) ? b.dtype : SARTOR_FLOAT32;
}

bool is_own_panel(const RightOperand &b, int32_t compute) {
  return b.kind == RightOperand::packed && b.dtype == panel_dtype(b, compute);
}

int64_t max_k_block(const RightOperand &b, int32_t compute) {
  return panel_budget / (panel_width * dtype_bytes(panel_dtype(b, compute)));
}

int64_t k_block(const Segment &segment, int32_t compute) {
  const int64_t count = maximum<int64_t>(1, ceil_div(segment.k, max_k_block(segment.b, compute)));
  return maximum<int64_t>(panel_width, round_up(ceil_div(segment.k, count), panel_width));
}

/* Room for the segment's panel in any pass; never more for a smaller k. */
int64_t bytes_of_panel(const Segment &segment, int32_t compute) {
  if (is_own_panel(segment.b, compute)) return 0;
  const int64_t k = minimum(round_up(segment.k, panel_width), max_k_block(segment.b, compute));
  return panel_elements(k, compute) * dtype_bytes(compute);
}

/* Stretches of k that are added up in one pass over the rows. */
struct Cut {
  int segment;
  int64_t k0, k;
};
struct Pass {
  int count;
  Cut cuts[max_segments];
};

/* The passes of a product: a segment's blocks one after the other; its last takes short ones along. */
class Passes {
 public:
  Passes(const Product &p, int first_segment) : p_(p), segment_(first_segment) {}

  bool done() const { return segment_ == p_.segment_count; }

  bool next(Pass &pass) {
    if (done()) return false;
    const int64_t k = p_.segments[segment_].k;
    const int64_t block = k_block(p_.segments[segment_], p_.compute);
    pass.count = 1;
    pass.cuts[0] = {segment_, k0_, minimum(block, k - k0_)};
    k0_ += block;
    if (k0_ < k) return true;
    k0_ = 0;
    ++segment_;
    for (int64_t merged = 0; !done(); ++segment_) {
      const int64_t more = p_.segments[segment_].k;
      if (merged + more > merged_k) break;
      merged += more;
      pass.cuts[pass.count++] = {segment_, 0, more};
    }
    return true;
  }

 private:
  const Product &p_;
  int segment_;
  int64_t k0_ = 0;
};

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
  int pass_count = 0;
  Passes passes(p, plan.matvec);
  for (Pass pass; passes.next(pass); ++pass_count) {
    int64_t bytes = 0;
    for (int i = 0; i < pass.count; ++i) bytes += bytes_of_panel(p.segments[pass.cuts[i].segment], p.compute);
    plan.panel_bytes = maximum(plan.panel_bytes, bytes);
  }
  if (pass_count > 1 && !plan.matvec)
    plan.strip_floats = minimum(round_up(p.m, row_quantum), max_block_rows) * panel_width;
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
char *open_stretch(Stretch &stretch, const Product &p, const Cut &cut, int64_t n0, char *room) {
  const Segment &segment = p.segments[cut.segment];
  const RightOperand &b = segment.b;
  stretch = {&segment.a, cut.k0, cut.k, nullptr, panel_dtype(b, p.compute)};
  if (is_own_panel(b, p.compute)) {
    const int64_t elements = n0 / panel_width * panel_elements(segment.k, b.dtype) + cut.k0 * panel_width;
    stretch.panel = (const char *)b.data + elements * dtype_bytes(b.dtype);
    return room;
  }
  const int64_t columns = round_up(minimum(panel_width, p.n - n0), lanes);
  fill_panel(b, segment.k, p.n, n0, columns, cut.k0, cut.k, stretch.dtype, room);
  stretch.panel = room;
  return room + panel_elements(cut.k, stretch.dtype) * dtype_bytes(stretch.dtype);
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
    Piece pieces[max_segments];
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

}  // namespace

void run_gemm_task(const Product &p, const GemmPlan &plan, int64_t task, char *scratch, FinishTile finish,
                   void *closure) {
  const int64_t n0 = task / plan.block_count * panel_width;
  const int64_t first_row = task % plan.block_count * plan.block_rows;
  const int64_t last_row = minimum(first_row + plan.block_rows, p.m);
  const int64_t columns = minimum(panel_width, p.n - n0);
  float *strip = plan.strip_floats ? (float *)(scratch + round_up(plan.panel_bytes, 64)) : nullptr;
  alignas(64) float few[matvec_rows * panel_width];
  Passes passes(p, plan.matvec);
  if (plan.matvec) {
    matvec_panel(p, n0, few);
    if (passes.done()) return finish(closure, Tile{few, 0, p.m, n0, columns});
    strip = few;
  }
  Stretch stretches[max_segments];
  Sweep sweep{p, stretches, 0, first_row, last_row, n0, columns, strip, plan.matvec, nullptr, closure};
  for (Pass pass; passes.next(pass);) {
    char *room = scratch;
    for (int i = 0; i < pass.count; ++i) room = open_stretch(stretches[i], p, pass.cuts[i], n0, room);
    sweep.count = pass.count;
    sweep.finish = passes.done() ? finish : nullptr;
    sweep.run();
    sweep.resumes = true;
  }
}

}  // namespace sartor::SARTOR_ISA
