/* dora_scale.cpp: norms of the rows of W + scaling * B A, and DoRA's scale magnitude / norm. */
#include "gemm/operands.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t column_group = 128; /* squares are summed over these, then the sums */

/* One thread's room: columns of W and of B, 64 rows of each side by side. */
struct Layout {
  float *w_panel; /* [column_group][64] */
  float *b_panel; /* [rank][64] */
  int64_t bytes;

  Layout(int thread, const sartor_dora_scale &a, char *scratch) {
    const int64_t floats = (column_group + a.rank) * panel_width;
    Scratch pieces{scratch ? scratch + thread * floats * 4 : nullptr};
    w_panel = pieces.take<float>(column_group * panel_width);
    b_panel = pieces.take<float>(a.rank * panel_width);
    bytes = pieces.used;
  }
};

/* [count][64] floats: columns [c0, c0 + count) of 64 rows of W */
const float *open_columns(const sartor_weight &w, int64_t row, int64_t c0, int64_t count, float *room) {
  const RightOperand b = right_operand(w);
  if (b.kind != RightOperand::packed || is_quantized(w.dtype)) {
    fill_panel(b, w.columns, w.rows, row, panel_width, c0, count, SARTOR_FLOAT32, room);
    return room;
  }
  const int64_t start = packed_index(row, c0, w.columns, w.dtype);
  if (w.dtype == SARTOR_FLOAT32) return (const float *)w.data + start;
  const bfloat16 *pairs = (const bfloat16 *)w.data + start;
  for (int64_t c = 0; c < count; ++c)
    for (int64_t i = 0; i < panel_width; ++i)
      room[c * panel_width + i] = to_float(pairs[(c / 2 * panel_width + i) * 2 + c % 2]);
  return room;
}

void panel_norms(const sartor_dora_scale &a, int64_t row, const Layout &layout) {
  const int64_t columns = a.weight.columns;
  fill_panel({a.lora_b, RightOperand::rows_are_n, SARTOR_FLOAT32, a.rank}, a.rank, a.weight.rows, row, panel_width, 0,
             a.rank, SARTOR_FLOAT32, layout.b_panel);
  float totals[panel_width] = {};
  for (int64_t c0 = 0; c0 < columns; c0 += column_group) {
    const int64_t count = minimum(column_group, columns - c0);
    const float *w = open_columns(a.weight, row, c0, count, layout.w_panel);
    for (int64_t i = 0; i < panel_width; i += lanes) {
      vf squares = splat(0.0f);
      for (int64_t c = 0; c < count; ++c) {
        vf delta = splat(0.0f);
        for (int64_t r = 0; r < a.rank; ++r)
          delta = fma(load(layout.b_panel + r * panel_width + i), splat(a.lora_a[r * columns + c0 + c]), delta);
        const vf sum = fma(delta, splat(a.scaling), load(w + c * panel_width + i));
        squares = fma(sum, sum, squares);
      }
      store(totals + i, load(totals + i) + squares);
    }
  }
  const int64_t count = minimum(panel_width, a.weight.rows - row);
  for (int64_t i = 0; i < count; ++i) {
    const float norm = __builtin_sqrtf(totals[i]);
    a.norm[row + i] = norm;
    if (a.scale) a.scale[row + i] = a.magnitude[row + i] / norm;
  }
}

}  // namespace

int64_t dora_scale_scratch(int threads, const sartor_dora_scale &a) { return threads * Layout(0, a, nullptr).bytes; }

int32_t dora_scale(Context &context, const sartor_dora_scale &a) {
  SARTOR_TRY(check_weight(context, "dora_scale", a.weight));
  SARTOR_REQUIRE_POSITIVE("dora_scale", (int64_t)a.rank);
  SARTOR_REQUIRE_POINTER("dora_scale", a.lora_a);
  SARTOR_REQUIRE_POINTER("dora_scale", a.lora_b);
  SARTOR_REQUIRE_POINTER("dora_scale", a.norm);
  SARTOR_REQUIRE(!a.scale == !a.magnitude, "dora_scale: scale and magnitude go together, one is null");
  context.parallel(ceil_div(a.weight.rows, panel_width), [&](int64_t first, int64_t last, int thread) {
    const Layout layout(thread, a, context.scratch);
    for (int64_t panel = first; panel < last; ++panel) panel_norms(a, panel * panel_width, layout);
  });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
