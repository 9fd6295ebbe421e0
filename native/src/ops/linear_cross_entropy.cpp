/* linear_cross_entropy.cpp: projection to the vocabulary, softmax, loss and gradient in chunks
 * of rows. Rows whose target is ignored are left out before anything is computed. */
#include "gemm/finish.h"
#include "ops/checks.h"

namespace sartor::SARTOR_ISA {
namespace {

using Arguments = sartor_linear_cross_entropy;

constexpr int64_t logits_budget = int64_t{64} << 20; /* bytes of one chunk's float32 logits */
constexpr int64_t row_quantum = 24;                  /* whole register tiles */

struct Layout {
  int32_t compute;
  bool wants_gradient;
  int64_t chunk_rows;
  int64_t logit_stride;  /* float32 logits, elements from row to row */
  int64_t d_logit_stride; /* the same rows once they hold gradients in the compute dtype */
  int64_t *active;       /* [rows]: rows with a target */
  char *x;               /* [chunk_rows, in] gathered, compute dtype */
  float *logits;         /* [chunk_rows, vocabulary] */
  char *d_logits_transposed;  /* their gradients transposed, for d_weight */
  char *work;
  int64_t bytes;

  Product project(const Arguments &a, int64_t rows) const {
    const LeftOperand left{x, left_stride(a.weight.columns)};
    return {rows, a.weight.rows, compute, 1, {{left, right_operand(a.weight), a.weight.columns}, {}}};
  }
  Product to_dx(const Arguments &a, int64_t rows) const {
    const LeftOperand left{logits, d_logit_stride};
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
    logit_stride = vocabulary;
    d_logit_stride = compute == SARTOR_BFLOAT16 ? 2 * vocabulary : vocabulary;
    const int64_t affordable = logits_budget / maximum<int64_t>(1, 4 * vocabulary) / row_quantum * row_quantum;
    chunk_rows = minimum(a.rows, maximum(affordable, row_quantum));
    Scratch pieces{scratch};
    active = pieces.take<int64_t>(a.rows);
    x = pieces.take<char>(chunk_rows * left_stride(in) * dtype_bytes(compute));
    logits = pieces.take<float>(chunk_rows * logit_stride);
    d_logits_transposed = pieces.take<char>(a.d_weight ? left_transposed_bytes(chunk_rows, vocabulary, compute) : 0);
    work = pieces.take<char>(work_bytes(threads, a)); /* enough for the last, shorter chunk too */
    bytes = pieces.used;
  }

  int64_t work_bytes(int threads, const Arguments &a) const {
    int64_t most = plan_gemm(threads, project(a, chunk_rows)).scratch_bytes;
    if (a.dx) most = maximum(most, plan_gemm(threads, to_dx(a, chunk_rows)).scratch_bytes);
    if (a.d_weight) most = maximum(most, plan_gemm(threads, to_d_weight(a, chunk_rows)).scratch_bytes);
    return most;
  }
};

/* logits -> gradient of weight * loss in place, narrowed to the compute dtype; returns the loss. */
template <class T>
float softmax_row(float *logits, int64_t vocabulary, int32_t target, float weight, float softcap, bool wants_gradient) {
  const float lowest = -__builtin_inff();
  vf highest = splat(lowest);
  each_vector(vocabulary, [&](int64_t i, auto n) { highest = max(keep(load(logits + i, n), n, lowest), highest); });
  const float top = maximum(highest);
  const float sum = sum_over(vocabulary, [&](int64_t i, auto n) {
    return keep(exp_nonpositive(load(logits + i, n) - splat(top)), n, 0.0f);
  });
  const float log_sum = top + __builtin_logf(sum);
  const float target_logit = logits[target];
  if (wants_gradient) {
    T *d_logits = (T *)(void *)logits; /* narrower: a vector is written behind what has been read */
    const float scale = weight / sum;
    const float curve = softcap > 0.0f ? 1.0f / softcap : 0.0f;
    /* The target's own gradient, before its logit is overwritten. */
    const float slope = 1.0f - (target_logit * curve) * (target_logit * curve);
    const float probability = exp_nonpositive(splat(target_logit - top))[0] / sum;
    const float at_target = (probability - 1.0f) * weight * slope;
    each_vector(vocabulary, [&](int64_t i, auto n) {
      const vf logit = load(logits + i, n);
      vf d = exp_nonpositive(logit - splat(top)) * splat(scale);
      if (softcap > 0.0f) {
        const vf capped = logit * splat(curve);
        d = d * (splat(1.0f) - capped * capped);
      }
      store(d_logits + i, d, n);
    });
    store_scalar(d_logits + target, at_target);
    if (sizeof(T) == 2 && vocabulary % 2) store_scalar(d_logits + vocabulary, 0.0f);
  }
  return log_sum - target_logit;
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
  const T *d_logits = (const T *)(const void *)layout.logits;
  const int64_t vocabulary = a.weight.rows;
  context.parallel(ceil_div(vocabulary, lanes), [&](int64_t first, int64_t last, int) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t column = block * lanes;
      const int n = (int)minimum<int64_t>(lanes, vocabulary - column);
      vf sum = splat(0.0f);
      for (int64_t row = 0; row < count; ++row) sum += load(d_logits + row * layout.d_logit_stride + column, n);
      store(a.d_bias + column, load(a.d_bias + column, n) + sum, n);
    }
  });
}

void run_chunk(Context &context, const Arguments &a, const Layout &layout, const int64_t *active, int64_t count) {
  const int64_t vocabulary = a.weight.rows, in = a.weight.columns;
  with_dtype(a.dtype, [&](auto *type) {
    gather_rows<std::remove_pointer_t<decltype(type)>>(context, a, layout, active, count);
  });
  const Product project = layout.project(a, count);
  gemm(context, project, plan_gemm(context.threads, project), layout.work,
       [&](const Tile &tile) { store_logits(tile, layout.logits, vocabulary, a.bias, a.softcap); });
  with_dtype(layout.compute, [&](auto *type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.parallel(count, [&](int64_t first, int64_t last, int) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t row = active[i];
        a.losses[row] = softmax_row<T>(layout.logits + i * vocabulary, vocabulary, a.targets[row],
                                       a.token_weights ? a.token_weights[row] : 1.0f, a.softcap,
                                       layout.wants_gradient);
      }
    });
    if (a.d_bias) add_bias_gradient<T>(context, a, layout, count);
  });
  if (a.dx) {
    const Product to_dx = layout.to_dx(a, count);
    with_dtype(a.dtype, [&](auto *type) {
      auto *dx = (decltype(type))a.dx;
      gemm(context, to_dx, plan_gemm(context.threads, to_dx), layout.work, [&](const Tile &tile) {
        for (int64_t r = 0; r < tile.rows; ++r) {
          auto *to = dx + active[tile.row + r] * in + tile.column;
          const float *sums = tile.data + r * panel_width;
          each_vector(tile.columns, [&](int64_t c, auto n) { store(to + c, load(sums + c), n); });
        }
      });
    });
  }
  if (a.d_weight) {
    make_left_transposed(context, {layout.logits, count, vocabulary, layout.d_logit_stride, layout.compute},
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
  for (int64_t first = 0; first < count; first += layout.chunk_rows)
    run_chunk(context, a, layout, layout.active + first, minimum(layout.chunk_rows, count - first));
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA
