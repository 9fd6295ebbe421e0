/* gemm.h: C = sum over segments of A B, in tiles that a caller's function finishes and stores.
 *
 * The output is cut into panels of 64 columns and blocks of rows; a task computes one of each
 * on one thread, so no sum is ever split between threads. Each segment's k is cut into blocks whose
 * panel of B stays in the second-level cache; between the passes over them, float32 sums wait in a
 * strip [rows][64]. Short segments join the pass before them. */
#ifndef SARTOR_GEMM_GEMM_H
#define SARTOR_GEMM_GEMM_H

#include "gemm/micro.h"
#include "gemm/operands.h"

namespace sartor::SARTOR_ISA {

/* What a product needs and how it is cut; from sizes, dtypes and kinds alone. */
struct GemmPlan {
  int64_t panel_count;
  int64_t block_rows;
  int64_t block_count;
  bool matvec;           /* the first segment is computed straight from codes, see matvec.h */
  int64_t panel_bytes;   /* a thread's room for panels of B; 0 where all lie packed */
  int64_t strip_floats;  /* a thread's strip; 0 where one pass over k is all */
  int64_t scratch_bytes; /* all threads; a product that is smaller in m or k needs no more */

  int64_t tasks() const { return panel_count * block_count; }
};

GemmPlan plan_gemm(int threads, const Product &product);

/* Finished sums: data[r * 64 + c] for C[row + r, column + c]. Values up to the next multiple of
 * the vector length are readable behind each row. */
struct Tile {
  const float *data;
  int64_t row, rows;
  int64_t column, columns;
};

/* Runs one task; tiles are handed to `finish` as soon as they are complete. */
using FinishTile = void (*)(void *closure, const Tile &tile);
void run_gemm_task(const Product &product, const GemmPlan &plan, int64_t task, char *thread_scratch, FinishTile finish,
                   void *closure);

struct PlannedProduct {
  Product product;
  GemmPlan plan;
};

/* Several products in one parallel region; scratch is as large as the greatest plan's. For each
 * tile of product i's C finish(i, const Tile &) is called once, from several threads. */
template <class Finish>
static void gemm(Context &context, const PlannedProduct *list, int count, char *scratch, Finish &&finish) {
  struct Closure {
    Finish &finish;
    int index;
    static void call(void *closure, const Tile &tile) {
      const Closure &self = *static_cast<Closure *>(closure);
      self.finish(self.index, tile);
    }
  };
  int64_t tasks = 0, bytes = 0;
  for (int i = 0; i < count; ++i) {
    tasks += list[i].plan.tasks();
    bytes = maximum(bytes, list[i].plan.scratch_bytes);
  }
  context.parallel(tasks, [&](int64_t first, int64_t last, int thread) {
    char *mine = scratch + thread * (bytes / context.threads);
    int i = 0;
    int64_t begin = 0; /* of product i's tasks */
    for (int64_t task = first; task < last; ++task) {
      while (task - begin >= list[i].plan.tasks()) begin += list[i++].plan.tasks();
      Closure closure{finish, i};
      run_gemm_task(list[i].product, list[i].plan, task - begin, mine, &Closure::call, &closure);
    }
  });
}

/* One product: finish(const Tile &). */
template <class Finish>
static void gemm(Context &context, const Product &product, const GemmPlan &plan, char *scratch, Finish &&finish) {
  const PlannedProduct one{product, plan};
  gemm(context, &one, 1, scratch, [&](int, const Tile &tile) { finish(tile); });
}

/* A matrix of float32 or bfloat16 that is to be a left operand. With a gather its row r is
 * data's row gather[r] / gather_divisor. */
struct LeftSource {
  const void *data;
  int64_t rows;
  int64_t columns;
  int64_t stride;
  int32_t dtype;
  const int32_t *gather = nullptr;
  int64_t gather_divisor = 1;
};

/* A source [m, k] as it is, or a converted copy of left_bytes (0: none). */
static inline int64_t left_stride(int64_t k) { return round_up(k, 2); }
static inline bool left_is_direct(int64_t k, int32_t dtype, int32_t compute) {
  return dtype == compute && (compute == SARTOR_FLOAT32 || k % 2 == 0);
}
static inline int64_t left_copy_bytes(int64_t rows, int64_t k, int32_t compute) {
  return rows * left_stride(k) * dtype_bytes(compute);
}
static inline int64_t left_bytes(int64_t rows, int64_t k, int32_t dtype, int32_t compute) {
  return left_is_direct(k, dtype, compute) ? 0 : left_copy_bytes(rows, k, compute);
}
/* A gathered source always needs a copy, of left_copy_bytes. */
LeftOperand make_left(Context &context, const LeftSource &source, int32_t compute, char *copy);

/* The transpose of a source [k, m]. Whole vectors are stored, and the rows of a copy do not lie
 * a power of two apart, where they would compete for the same cache sets. */
static inline int64_t left_transposed_stride(int64_t k, int32_t compute) {
  const int64_t per_word = 4 / dtype_bytes(compute);
  return (round_up(ceil_div(k, per_word), lanes) + 16) * per_word;
}
static inline int64_t left_transposed_bytes(int64_t k, int64_t m, int32_t compute) {
  return m * left_transposed_stride(k, compute) * dtype_bytes(compute);
}
LeftOperand make_left_transposed(Context &context, const LeftSource &source, int32_t compute, char *copy);

/* Several transposes in one parallel region. Sources of m columns and k rows together take no more
 * than left_transposed_bound(count, k, m). */
struct TransposedLeft {
  LeftSource source;
  char *copy;
  LeftOperand operand() const { return {copy, stride}; }
  int64_t stride; /* made along */
};
void make_left_transposed(Context &context, TransposedLeft *list, int64_t count, int32_t compute);
static inline int64_t left_transposed_bound(int64_t count, int64_t k, int64_t m, int32_t compute) {
  return m * (k * dtype_bytes(compute) + count * (lanes + 16) * 4);
}

}  // namespace sartor::SARTOR_ISA

#endif
