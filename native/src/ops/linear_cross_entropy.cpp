/* linear_cross_entropy.cpp: projection to the vocabulary, softmax, loss and gradient in chunks
 * of rows. Rows whose target is ignored are left out before anything is computed.
 *
 * Logits are never stored. As soon as a tile of them is finished, e^(logit - shift) takes its
 * place, in the compute dtype, and its row's sum is added up. What remains of softmax, the factor
 * token_weight / sum, is the same for a whole row and so applied to dx, after the product. Any
 * shift gives the same result as long as nothing overflows (bfloat16 has float32's range): it is
 * the greatest of a row's first 64 logits, and where that is exceeded by far, the chunk is done
 * again with the greatest of all. */
#include "gemm/finish.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

using Arguments = sartor_linear_cross_entropy;

constexpr int64_t chunk_budget = int64_t{96} << 20; /* bytes of one chunk's exponentials and sums */
constexpr int64_t row_quantum = 24;                 /* whole register tiles */
constexpr float safe_excess = 60.0f;                /* of a logit over its row's shift */

/* Rows of a chunk are padded to a whole vector in arrays with one element a row. */
struct Layout {
  int32_t compute;
  bool wants_gradient;
  int64_t affordable;    /* rows of a chunk at most, a multiple of row_quantum */
  int64_t chunk_rows;
  int64_t padded_rows;
  int64_t panels;        /* of the vocabulary */
  int64_t *active;       /* [rows]: rows with a target */
  char *x;               /* [chunk_rows, in] gathered, compute dtype */
  char *exponentials;    /* [chunk_rows, vocabulary], compute dtype, times the soft cap's slope */
  float *sums, *tops;    /* [panels, padded_rows] of exponentials, and the greatest logit */
  float *shifts;         /* [padded_rows] */
  float *totals;         /* [padded_rows]: sums over the vocabulary */
  float *target_logits;  /* [padded_rows] */
  float *scales;         /* [padded_rows]: token weight / total */
  int32_t *raised;       /* [threads]: whether a shift was too low */
  char *d_logits_transposed; /* for d_weight */
  char *work;
  int64_t bytes;

  int64_t stride(const Arguments &a) const { return left_stride(a.weight.rows); }
  Product project(const Arguments &a, int64_t rows, int64_t vocabulary) const {
    const LeftOperand left{x, left_stride(a.weight.columns)};
    return {rows, vocabulary, compute, 1, {{left, right_operand(a.weight), a.weight.columns}, {}}};
  }
  Product to_dx(const Arguments &a, int64_t rows) const {
    const LeftOperand left{exponentials, stride(a)};
    return {rows, a.weight.columns, compute, 1, {{left, right_operand_transposed(a.weight), a.weight.rows}, {}}};
  }
  Product to_d_weight(const Arguments &a, int64_t rows) const {
    const RightOperand right{x, RightOperand::rows_are_k, compute, left_stride(a.weight.columns)};
    return {a.weight.rows, a.weight.columns, compute, 1, {{{d_logits_transposed, left_transposed_stride(rows, compute)}, right, rows}, {}}};
  }

  Layout(int threads, const Arguments &a, char *scratch) {
    const int64_t vocabulary = a.weight.rows, in = a.weight.columns;
    compute = compute_dtype(a.dtype);
    wants_gradient = a.dx || a.d_weight || a.d_bias;
    panels = ceil_div(vocabulary, panel_width);
    const int64_t element = dtype_bytes(compute);
    const int64_t row_bytes = (wants_gradient ? stride(a) * element : 0) + panels * 2 * (int64_t)sizeof(float);
    affordable = maximum(chunk_budget / maximum<int64_t>(1, row_bytes) / row_quantum * row_quantum, row_quantum);
    chunk_rows = minimum(a.rows, affordable);
    padded_rows = round_up(chunk_rows, lanes);
    Scratch pieces{scratch};
    active = pieces.take<int64_t>(a.rows);
    x = pieces.take<char>(chunk_rows * left_stride(in) * element);
    exponentials = pieces.take<char>(wants_gradient ? chunk_rows * stride(a) * element : 0);
    sums = pieces.take<float>(panels * padded_rows);
    tops = pieces.take<float>(panels * padded_rows);
    shifts = pieces.take<float>(padded_rows);
    totals = pieces.take<float>(padded_rows);
    target_logits = pieces.take<float>(padded_rows);
    scales = pieces.take<float>(padded_rows);
    raised = pieces.take<int32_t>(threads);
    d_logits_transposed = pieces.take<char>(a.d_weight ? left_transposed_bytes(chunk_rows, vocabulary, compute) : 0);
    work = pieces.take<char>(work_bytes(threads, a)); /* enough for the last, shorter chunk too */
    bytes = pieces.used;
  }

  int64_t work_bytes(int threads, const Arguments &a) const {
    int64_t most = plan_gemm(threads, project(a, chunk_rows, a.weight.rows)).scratch_bytes;
    most = maximum(most, plan_gemm(threads, project(a, chunk_rows, minimum(panel_width, a.weight.rows))).scratch_bytes);
    if (a.dx) most = maximum(most, plan_gemm(threads, to_dx(a, chunk_rows)).scratch_bytes);
    if (a.d_weight) most = maximum(most, plan_gemm(threads, to_d_weight(a, chunk_rows)).scratch_bytes);
    return most;
  }
};

SARTOR_INLINE vf logits_of(const Tile &tile, int64_t row, int64_t i, const Arguments &a) {
  const vf sums = load(tile.data + row * panel_width + i);
  return soft_capped(a.bias ? sums + load(a.bias + tile.column + i, (int)minimum<int64_t>(lanes, tile.columns - i)) : sums,
                     a.softcap);
}

/* The derivative of the soft cap where it gives `logit`. */
SARTOR_INLINE vf cap_slope(vf logit, float softcap) {
  const vf capped = logit * splat(1.0f / softcap);
  return splat(1.0f) - capped * capped;
}

constexpr float lowest = -__builtin_inff();

/* shifts: the greatest logit of the first panel. */
void note_shifts(const Tile &tile, const Arguments &a, const Layout &layout) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    vf top = splat(lowest);
    each_vector(tile.columns, [&](int64_t i, auto n) { top = max(keep(logits_of(tile, r, i, a), n, lowest), top); });
    float &shift = layout.shifts[tile.row + r];
    const float greatest = maximum(top);
    if (tile.column == 0 || greatest > shift) shift = greatest;
  }
}

/* Exponentials, their sums, the greatest logits, and the target's. */
template <class T>
void finish_tile(const Tile &tile, const Arguments &a, const Layout &layout, const int64_t *active) {
  const int64_t stride = layout.stride(a);
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t row = tile.row + r;
    const vf shift = splat(layout.shifts[row]);
    T *to = (T *)layout.exponentials + row * stride + tile.column;
    vf top = splat(lowest), sum_vector{};
    each_vector(tile.columns, [&](int64_t i, auto n) {
      const vf logit = logits_of(tile, r, i, a);
      vf e = exp(logit - shift);
      top = max(keep(logit, n, lowest), top);
      sum_vector += keep(e, n, 0.0f);
      if (!layout.wants_gradient) return;
      if (a.softcap > 0.0f) e *= cap_slope(logit, a.softcap);
      store(to + i, e, n);
    });
    /* Where a register tile is narrower than a panel, its tiles come one after the other. */
    const int64_t slot = tile.column / panel_width * layout.padded_rows + row;
    const bool begins = tile.column % panel_width == 0;
    const float sum_here = sum(sum_vector), top_here = maximum(top);
    layout.sums[slot] = begins ? sum_here : layout.sums[slot] + sum_here;
    layout.tops[slot] = begins || top_here > layout.tops[slot] ? top_here : layout.tops[slot];
    const int64_t target = a.targets[active[row]] - tile.column;
    if (target >= 0 && target < tile.columns)
      layout.target_logits[row] = logits_of(tile, r, target / lanes * lanes, a)[target % lanes];
  }
}

/* Sums over panels, for one vector of rows; whether some shift was far too low: then it is
 * raised. */
bool add_panels(const Layout &layout, int64_t row, int64_t rows) {
  constexpr int64_t group = 32; /* short sums first: they lose less to rounding */
  vf total{}, top = splat(lowest);
  for (int64_t first = 0; first < layout.panels; first += group) {
    vf part{};
    for (int64_t panel = first; panel < minimum(first + group, layout.panels); ++panel) {
      part += load(layout.sums + panel * layout.padded_rows + row);
      top = max(load(layout.tops + panel * layout.padded_rows + row), top);
    }
    total += part;
  }
  store(layout.totals + row, total);
  bool raised = false;
  for (int64_t i = 0; i < minimum<int64_t>(lanes, rows - row); ++i) {
    float &shift = layout.shifts[row + i];
    if (top[i] - shift <= safe_excess || !(top[i] > shift)) continue;
    shift = top[i];
    raised = true;
  }
  return raised;
}

/* The loss, the factor of the row's gradient, and the target's part of it. */
template <class T>
void finish_row(const Arguments &a, const Layout &layout, int64_t i, int64_t row) {
  const float total = layout.totals[i], logit = layout.target_logits[i], shift = layout.shifts[i];
  a.losses[row] = shift + __builtin_logf(total) - logit;
  if (!layout.wants_gradient) return;
  layout.scales[i] = (a.token_weights ? a.token_weights[row] : 1.0f) / total;
  T *exponentials = (T *)layout.exponentials + i * layout.stride(a);
  vf at_target = exp(splat(logit - shift)) - splat(total);
  if (a.softcap > 0.0f) at_target *= cap_slope(splat(logit), a.softcap);
  store_scalar(exponentials + a.targets[row], at_target[0]);
  if (layout.stride(a) > a.weight.rows) store_scalar(exponentials + a.weight.rows, 0.0f);
}

template <class T>
void gather_rows(Context &context, const Arguments &a, const Layout &layout, const int64_t *active, int64_t count) {
  const int64_t in = a.weight.columns, stride = left_stride(in);
  with_dtype(layout.compute, [&](auto *type) {
    auto *x = (decltype(type))layout.x;
    context.parallel(count, [&](int64_t first, int64_t last, int) {
      for (int64_t i = first; i < last; ++i) {
        const T *from = (const T *)a.x + active[i] * in;
        auto *to = x + i * stride;
        each_vector(in, [&](int64_t c, auto n) { store(to + c, load(from + c, n), n); });
        if (in % 2) store_scalar(to + in, 0.0f);
      }
    });
  });
}

/* d_bias += column sums of the chunk's gradients. */
template <class T>
void add_bias_gradient(Context &context, const Arguments &a, const Layout &layout, int64_t count) {
  const T *exponentials = (const T *)layout.exponentials;
  const int64_t vocabulary = a.weight.rows;
  context.parallel(ceil_div(vocabulary, lanes), [&](int64_t first, int64_t last, int) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t column = block * lanes;
      const int n = (int)minimum<int64_t>(lanes, vocabulary - column);
      vf sum = splat(0.0f);
      for (int64_t row = 0; row < count; ++row)
        sum = fma(load(exponentials + row * layout.stride(a) + column, n), splat(layout.scales[row]), sum);
      store(a.d_bias + column, load(a.d_bias + column, n) + sum, n);
    }
  });
}

/* Rows' factors go into the gathered x where d_weight = d_logits^T x is wanted. */
template <class T>
void scale_x(Context &context, const Arguments &a, const Layout &layout, int64_t count) {
  const int64_t in = a.weight.columns;
  context.parallel(count, [&](int64_t first, int64_t last, int) {
    for (int64_t i = first; i < last; ++i) {
      T *x = (T *)layout.x + i * left_stride(in);
      each_vector(in, [&](int64_t c, auto n) { store(x + c, load(x + c, n) * splat(layout.scales[i]), n); });
    }
  });
}

/* Exponentials and totals of a chunk. */
template <class T>
void project_chunk(Context &context, const Arguments &a, const Layout &layout, const int64_t *active, int64_t count) {
  const Product probe = layout.project(a, count, minimum(panel_width, a.weight.rows));
  gemm(context, probe, plan_gemm(context.threads, probe), layout.work,
       [&](const Tile &tile) { note_shifts(tile, a, layout); });
  const Product project = layout.project(a, count, a.weight.rows);
  const GemmPlan plan = plan_gemm(context.threads, project);
  const int64_t vectors = ceil_div(count, lanes);
  for (bool again = false;; again = true) {
    gemm(context, project, plan, layout.work, [&](const Tile &tile) { finish_tile<T>(tile, a, layout, active); });
    for (int thread = 0; thread < context.threads; ++thread) layout.raised[thread] = 0;
    context.parallel(vectors, [&](int64_t first, int64_t last, int thread) {
      for (int64_t i = first; i < last; ++i)
        if (add_panels(layout, i * lanes, count)) layout.raised[thread] = 1;
    });
    bool any = false;
    for (int thread = 0; thread < context.threads; ++thread) any = any || layout.raised[thread];
    if (again || !any) return;
  }
}

template <class T>
void run_chunk(Context &context, const Arguments &a, const Layout &layout, const int64_t *active, int64_t count) {
  const int64_t in = a.weight.columns;
  with_dtype(a.dtype, [&](auto *type) {
    gather_rows<std::remove_pointer_t<decltype(type)>>(context, a, layout, active, count);
  });
  project_chunk<T>(context, a, layout, active, count);
  context.parallel(count, [&](int64_t first, int64_t last, int) {
    for (int64_t i = first; i < last; ++i) finish_row<T>(a, layout, i, active[i]);
  });
  if (a.d_bias) add_bias_gradient<T>(context, a, layout, count);
  if (a.dx) {
    const Product to_dx = layout.to_dx(a, count);
    with_dtype(a.dtype, [&](auto *type) {
      auto *dx = (decltype(type))a.dx;
      gemm(context, to_dx, plan_gemm(context.threads, to_dx), layout.work, [&](const Tile &tile) {
        for (int64_t r = 0; r < tile.rows; ++r) {
          auto *to = dx + active[tile.row + r] * in + tile.column;
          const float *sums = tile.data + r * panel_width;
          const vf scale = splat(layout.scales[tile.row + r]);
          each_vector(tile.columns, [&](int64_t c, auto n) { store(to + c, load(sums + c) * scale, n); });
        }
      });
    });
  }
  if (a.d_weight) {
    scale_x<T>(context, a, layout, count);
    make_left_transposed(context, {layout.exponentials, count, a.weight.rows, layout.stride(a), layout.compute},
                         layout.compute, layout.d_logits_transposed);
    const Product to_d_weight = layout.to_d_weight(a, count);
    gemm(context, to_d_weight, plan_gemm(context.threads, to_d_weight), layout.work,
         [&](const Tile &tile) { add_tile(tile, a.d_weight, in); });
  }
}

int32_t check(Context &context, const Arguments &a) {
  const char *op = "linear_cross_entropy";
  SARTOR_TRY(check_weight(context, op, a.weight));
  SARTOR_REQUIRE(is_activation_dtype(a.dtype), "%s: dtype %d", op, a.dtype);
  SARTOR_REQUIRE(a.rows >= 0, "%s: rows is %lld", op, (long long)a.rows);
  if (a.rows == 0) return SARTOR_OK;
  SARTOR_REQUIRE(a.weight.rows > 0 && a.weight.columns > 0, "%s: weight is [%lld, %lld]", op,
                 (long long)a.weight.rows, (long long)a.weight.columns);
  SARTOR_REQUIRE(a.x && a.targets && a.losses, "%s: x, targets or losses is null", op);
  for (int64_t row = 0; row < a.rows; ++row)
    if (a.targets[row] >= a.weight.rows)
      return context.fail(SARTOR_BAD_INDEX, "%s: targets[%lld] is %d, the vocabulary has %lld tokens", op,
                          (long long)row, a.targets[row], (long long)a.weight.rows);
  return SARTOR_OK;
}

}  // namespace

int64_t linear_cross_entropy_scratch(int threads, const sartor_linear_cross_entropy &a) {
  return Layout(threads, a, nullptr).bytes;
}

int32_t linear_cross_entropy(Context &context, const sartor_linear_cross_entropy &a) {
  SARTOR_TRY(check(context, a));
  if (a.rows == 0) return SARTOR_OK;
  const Layout layout(context.threads, a, context.scratch);
  const int64_t row_bytes = a.weight.columns * dtype_bytes(a.dtype);
  int64_t count = 0;
  for (int64_t row = 0; row < a.rows; ++row) {
    if (a.targets[row] >= 0) {
      layout.active[count++] = row;
    } else {
      a.losses[row] = 0.0f;
      if (a.dx) memset((char *)a.dx + row * row_bytes, 0, (size_t)row_bytes);
    }
  }
  if (count == 0) return SARTOR_OK;
  /* Chunks of about one size: a short last one would read the whole weight for few rows. */
  const int64_t chunks = ceil_div(count, layout.affordable);
  const int64_t size = round_up(ceil_div(count, chunks), row_quantum);
  for (int64_t first = 0; first < count; first += size)
    with_dtype(layout.compute, [&](auto *type) {
      run_chunk<std::remove_pointer_t<decltype(type)>>(context, a, layout, layout.active + first,
                                                       minimum(size, count - first));
    });
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
