/* Adafactor (Shazeer and Stern 2018), in the form of Transformers' implementation. */
#include "ops/optimizer.h"
#include "ops/sum.h"

namespace sartor::SARTOR_ISA {
namespace {

/* Scratch: sums of columns by chunks of rows, sums of rows, factors of columns. */
struct Pieces {
  float *column_partials, *column_factor, *row_factor;
  double *row_sums;
  int64_t bytes;

  Pieces(const sartor_adafactor &op, char *scratch) {
    Scratch pieces{scratch};
    const bool factored = op.row != nullptr;
    column_partials = pieces.take<float>(factored ? RowChunks(op.rows).count * op.columns : 0);
    column_factor = pieces.take<float>(factored ? op.columns : 0);
    row_factor = pieces.take<float>(factored ? op.rows : 0);
    row_sums = pieces.take<double>(maximum(op.rows, partial_sums(op.rows * op.columns)));
    bytes = pieces.used;
  }
};

double sum_of(const double *values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += values[i];
  return sum;
}

/* Numbers of one step. */
struct Rates {
  double keep; /* beta2 */
  float scale;
  double learning_rate;

  explicit Rates(const sartor_adafactor &op)
      : keep(1 - __builtin_pow((double)op.schedule->step, (double)op.decay_rate)),
        scale(scale_of(op.gradient_scale)), learning_rate(op.schedule->learning_rate) {}

  float moved(float before, double mean) const { return (float)(keep * before + (1 - keep) * mean); }
};

/* Means of the squares' rows and columns into row and column. */
void gather_squares(Context &context, const sartor_adafactor &op, const Rates &rates, const Pieces &pieces) {
  const RowChunks chunks(op.rows);
  const vf scale = splat(rates.scale), epsilon = splat(op.epsilon1);
  context.parallel(chunks.count, [&](int64_t first, int64_t last, int) {
    for (int64_t chunk = first; chunk < last; chunk++) {
      float *columns = pieces.column_partials + chunk * op.columns;
      for (int64_t row = chunks.first(chunk); row < chunks.last(chunk); row++) {
        const float *gradient = op.gradient + row * op.columns;
        const bool starts = row == chunks.first(chunk);
        const float sum = sum_over(op.columns, [&](int64_t i, auto n) {
          vf g = load(gradient + i, n) * scale;
          vf square = fma(g, g, epsilon);
          store(columns + i, starts ? square : load(columns + i, n) + square, n);
          return keep(square, n, 0.0f);
        });
        op.row[row] = rates.moved(op.row[row], (double)sum / (double)op.columns);
      }
    }
  });
  reduce_partials(context, pieces.column_factor, pieces.column_partials, chunks.count, op.columns, op.columns, false);
  for (int64_t i = 0; i < op.columns; i++) {
    op.column[i] = rates.moved(op.column[i], (double)pieces.column_factor[i] / (double)op.rows);
    pieces.column_factor[i] = (float)(1 / __builtin_sqrt((double)op.column[i]));
  }
  double mean = 0;
  for (int64_t i = 0; i < op.rows; i++) mean += op.row[i];
  mean /= (double)op.rows;
  for (int64_t i = 0; i < op.rows; i++) pieces.row_factor[i] = (float)__builtin_sqrt(mean / op.row[i]);
}

/* apply(row, i, n): the change of parameters i to i + n, before clipping, as a vector. */
template <class Update>
void step_by_rows(Context &context, const sartor_adafactor &op, const Rates &rates, double *sums, int64_t rows,
                  int64_t columns, Update &&update) {
  const int64_t count = op.rows * op.columns;
  auto width = [&](int64_t row) { return minimum(columns, count - row * columns); };
  context.parallel(rows, [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; row++)
      sums[row] = sum_over(width(row), [&](int64_t i, auto n) {
        vf u = keep(update(row, row * columns + i, i, n), n, 0.0f);
        return u * u;
      });
  });
  const double rms = __builtin_sqrt(sum_of(sums, rows) / (double)count);
  double learning_rate = rates.learning_rate;
  if (op.scale_parameter) {
    const float *p = op.parameter;
    const double squares = total(context, sums, count, [&](int64_t i) { return (double)p[i] * p[i]; });
    learning_rate *= maximum((double)op.epsilon2, __builtin_sqrt(squares / (double)count));
  }
  const vf rate = splat((float)(-learning_rate / maximum(1.0, rms / op.clip_threshold)));
  const vf decay = splat((float)(1 - learning_rate * op.weight_decay));
  context.parallel(rows, [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; row++)
      each_vector(width(row), [&](int64_t i, auto n) {
        float *p = op.parameter + row * columns + i;
        store(p, fma(update(row, row * columns + i, i, n), rate, load(p, n) * decay), n);
      });
  });
}

} // namespace

int64_t adafactor_scratch(int, const sartor_adafactor &op) { return Pieces(op, nullptr).bytes; }

int32_t adafactor(Context &context, const sartor_adafactor &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("adafactor", op.rows);
  SARTOR_REQUIRE_NOT_NEGATIVE("adafactor", op.columns);
  SARTOR_TRY(check_schedule(context, "adafactor", op.schedule));
  SARTOR_REQUIRE(op.decay_rate < 0, "adafactor: decay_rate is %g, must be below 0", (double)op.decay_rate);
  SARTOR_REQUIRE(op.clip_threshold > 0, "adafactor: clip_threshold is %g, must be positive",
                 (double)op.clip_threshold);
  SARTOR_REQUIRE(op.epsilon1 > 0, "adafactor: epsilon1 is %g, must be positive", (double)op.epsilon1);
  SARTOR_REQUIRE((op.row == nullptr) == (op.column == nullptr) && (op.row == nullptr) == (op.v != nullptr),
                 "adafactor: expected row and column, or v");
  if (op.rows == 0 || op.columns == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("adafactor", op.parameter);
  SARTOR_REQUIRE_POINTER("adafactor", op.gradient);
  const Pieces pieces(op, context.scratch);
  const Rates rates(op);
  const vf scale = splat(rates.scale);
  if (op.row) {
    gather_squares(context, op, rates, pieces);
    step_by_rows(context, op, rates, pieces.row_sums, op.rows, op.columns,
                 [&](int64_t row, int64_t at, int64_t column, auto n) {
                   return load(op.gradient + at, n) * scale * splat(pieces.row_factor[row]) *
                          load(pieces.column_factor + column, n);
                 });
    return SARTOR_OK;
  }
  const int64_t count = op.rows * op.columns;
  const vf keeps = splat((float)rates.keep), takes = splat((float)(1 - rates.keep)), epsilon = splat(op.epsilon1);
  parallel_flat(context, count, [&](int64_t first, int64_t last) {
    each_vector(last - first, [&](int64_t j, auto n) {
      int64_t i = first + j;
      vf g = load(op.gradient + i, n) * scale;
      store(op.v + i, fma(fma(g, g, epsilon), takes, load(op.v + i, n) * keeps), n);
    });
  });
  step_by_rows(context, op, rates, pieces.row_sums, partial_sums(count), flat_grain,
               [&](int64_t, int64_t at, int64_t, auto n) {
                 return load(op.gradient + at, n) * scale / sqrt(load(op.v + at, n));
               });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
