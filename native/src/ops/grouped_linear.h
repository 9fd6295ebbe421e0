/* grouped_linear.h: what the two directions of the experts' linear layers share: products of ragged
 * groups of rows. Scratch is that of the worst case; products and their plans are made by the run,
 * when the offsets are known. */
#ifndef SARTOR_OPS_GROUPED_LINEAR_H
#define SARTOR_OPS_GROUPED_LINEAR_H

#include "ops/experts.h"
#include "ops/lora.h"

namespace sartor::SARTOR_ISA {

/* Grouped rows [first, first + rows) that one adapter (or expert) has. */
struct Group {
  int32_t index; /* of the adapter or expert */
  int64_t first, rows;
};

/* The adapters' rows: neighbours with the same adapter are one group. Returns how many. */
template <class Arguments>
static int64_t find_adapters(const Arguments &a, Group *groups) {
  int64_t count = 0;
  for (int32_t e = 0; a.adapters && e < a.experts; ++e) {
    if (a.adapters[e] < 0) continue;
    const int64_t rows = a.offsets[e + 1] - a.offsets[e];
    if (e > 0 && a.adapters[e] == a.adapters[e - 1])
      groups[count - 1].rows += rows;
    else
      groups[count++] = {a.adapters[e], a.offsets[e], rows};
  }
  return count;
}

/* A list of products in scratch, of at most `limit`, that share a parallel region. */
class Products {
 public:
  /* Also counts what scratch any of them may need; see room_for. */
  Products(Scratch &pieces, int64_t limit) : list_(pieces.take<PlannedProduct>(limit)) {}

  /* A product at least as large in m and k as one that will be added. */
  void room_for(int threads, const Product &product) {
    bytes_ = maximum(bytes_, plan_gemm(threads, product).scratch_bytes);
  }
  int64_t bytes() const { return bytes_; }

  Product &add(const Product &product) {
    list_[count_].product = product;
    return list_[count_++].product;
  }

  /* finish(index in the order of add, tile) */
  template <class Finish>
  void run(Context &context, char *work, Finish &&finish) {
    /* Where there are tasks for all threads anyway, no product is cut into blocks for their sake:
     * each block makes its own panels. */
    int64_t tasks = 0;
    for (int64_t i = 0; i < count_; ++i) tasks += plan_gemm(1, list_[i].product).tasks();
    const int threads = tasks >= 4 * context.threads ? 1 : context.threads;
    for (int64_t i = 0; i < count_; ++i) {
      list_[i].plan = plan_gemm(threads, list_[i].product);
      list_[i].plan.scratch_bytes = bytes_;
    }
    gemm(context, list_, (int)count_, work, finish);
  }

 private:
  PlannedProduct *list_;
  int64_t count_ = 0, bytes_ = 0;
};

static inline LeftOperand rows_from(const LeftOperand &a, int64_t row, int32_t compute) {
  return {(const char *)a.data + row * a.stride * dtype_bytes(compute), a.stride};
}

/* What a plan looks at is there: sizes, and the weights' kinds. */
template <class Arguments>
static bool has_groups(const Arguments &a) {
  for (int i = 0; has_projections(a) && i < a.projection_count; ++i)
    if (!a.projections[i].weights) return false;
  return has_projections(a) && a.rows > 0 && a.in > 0 && a.experts >= 1 && a.experts <= SARTOR_MAX_EXPERTS &&
         a.adapter_count >= 0 && a.adapter_count <= a.experts;
}

template <class Arguments>
static int32_t check_adapters(Context &context, const char *op, const Arguments &a) {
  bool seen[SARTOR_MAX_EXPERTS] = {};
  for (int32_t e = 0; a.adapters && e < a.experts; ++e) {
    const int32_t adapter = a.adapters[e];
    if (adapter < -1 || adapter >= a.adapter_count)
      return context.fail(SARTOR_BAD_INDEX, "%s: adapters[%d] is %d, must be in [-1, %d)", op, e, adapter, a.adapter_count);
    if (adapter < 0 || (e > 0 && a.adapters[e - 1] == adapter)) continue;
    SARTOR_REQUIRE(!seen[adapter], "%s: adapters[%d] is %d again: experts of one adapter must be neighbours", op, e, adapter);
    seen[adapter] = true;
  }
  return SARTOR_OK;
}

/* What both directions ask of their arguments, the offsets' and the permutation's values too. */
template <class Arguments>
static int32_t check_groups(Context &context, const char *op, const Arguments &a) {
  SARTOR_REQUIRE(has_projections(a), "%s: projection_count is %d, must be 1 to %d", op, a.projection_count, SARTOR_MAX_PROJECTIONS);
  SARTOR_REQUIRE(has_groups(a), "%s: rows is %lld, in %lld, experts %d (at most %d), adapter_count %d (at most experts), or weights are null", op,
                 (long long)a.rows, (long long)a.in, a.experts, SARTOR_MAX_EXPERTS, a.adapter_count);
  SARTOR_REQUIRE(is_activation_dtype(a.dtype), "%s: dtype %d", op, a.dtype);
  SARTOR_REQUIRE(a.top_k >= 1 && a.rows % a.top_k == 0, "%s: top_k is %d, must divide %lld rows", op, a.top_k, (long long)a.rows);
  SARTOR_REQUIRE(a.offsets, "%s: offsets is null", op);
  for (int32_t e = 0; e <= a.experts; ++e) {
    const int64_t least = e ? a.offsets[e - 1] : 0, most = e ? a.rows : 0;
    if (a.offsets[e] < least || a.offsets[e] > most)
      return context.fail(SARTOR_BAD_INDEX, "%s: offsets[%d] is %d, must be in [%lld, %lld]", op, e, a.offsets[e],
                          (long long)least, (long long)most);
  }
  for (int64_t r = 0; a.permutation && r < a.offsets[a.experts]; ++r)
    if (a.permutation[r] < 0 || a.permutation[r] >= a.rows)
      return context.fail(SARTOR_BAD_INDEX, "%s: permutation[%lld] is %d, must be in [0, %lld)", op, (long long)r,
                          a.permutation[r], (long long)a.rows);
  SARTOR_TRY(check_adapters(context, op, a));
  for (int i = 0; i < a.projection_count; ++i) {
    const auto &p = a.projections[i];
    SARTOR_REQUIRE(p.out > 0, "%s: out of projections[%d] is %lld", op, i, (long long)p.out);
    for (int32_t e = 0; e < a.experts; ++e) {
      SARTOR_TRY(check_weight(context, op, p.weights[e]));
      SARTOR_REQUIRE(p.weights[e].rows == p.out && p.weights[e].columns == a.in,
                     "%s: weights[%d] of projections[%d] is [%lld, %lld], must be [%lld, %lld]", op, e, i,
                     (long long)p.weights[e].rows, (long long)p.weights[e].columns, (long long)p.out, (long long)a.in);
    }
    SARTOR_TRY(check_adapter(context, op, p.rank, p.lora_a, p.lora_b, 0.0f, nullptr));
    SARTOR_REQUIRE(p.rank == 0 || a.adapters, "%s: projections[%d] has rank %d, but adapters is null", op, i, p.rank);
  }
  return SARTOR_OK;
}

}  // namespace sartor::SARTOR_ISA

#endif
