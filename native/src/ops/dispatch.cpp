/* The order of a mixture of experts' rows: a stable counting sort of assignments by expert, without
 * atomics. Chunks of assignments are counted apart, then each knows where its rows begin. */
#include "checks.h"

namespace sartor::SARTOR_ISA {

namespace {

struct Layout {
  RowChunks chunks;
  int32_t *counts; /* [chunks, experts], then an expert's rows before the chunk's */
  int64_t *bad;    /* [chunks]: the first assignment out of range, or -1 */
  int64_t bytes;

  Layout(const sartor_dispatch &d, char *scratch) : chunks(d.assignments) {
    Scratch pieces{scratch};
    counts = pieces.take<int32_t>(chunks.count * d.experts);
    bad = pieces.take<int64_t>(chunks.count);
    bytes = pieces.used;
  }
};

void count(const sartor_dispatch &d, const Layout &layout, int64_t chunk) {
  int32_t *counts = layout.counts + chunk * d.experts;
  memset(counts, 0, sizeof(int32_t) * (size_t)d.experts);
  layout.bad[chunk] = -1;
  for (int64_t a = layout.chunks.first(chunk); a < layout.chunks.last(chunk); ++a) {
    if (d.indices[a] >= 0 && d.indices[a] < d.experts)
      ++counts[d.indices[a]];
    else if (layout.bad[chunk] < 0)
      layout.bad[chunk] = a;
  }
}

/* Offsets and loads, and in place of each chunk's counts, how many came before it. */
void add_up(const sartor_dispatch &d, const Layout &layout) {
  d.offsets[0] = 0;
  for (int32_t e = 0; e < d.experts; ++e) {
    int32_t before = 0;
    for (int64_t chunk = 0; chunk < layout.chunks.count; ++chunk) {
      int32_t &entry = layout.counts[chunk * d.experts + e];
      const int32_t own = entry;
      entry = before;
      before += own;
    }
    d.load[e] = before;
    d.offsets[e + 1] = d.offsets[e] + (d.capacity > 0 && before > d.capacity ? (int32_t)d.capacity : before);
  }
}

void place(const sartor_dispatch &d, const Layout &layout, int64_t chunk) {
  int32_t *next = layout.counts + chunk * d.experts;
  for (int64_t a = layout.chunks.first(chunk); a < layout.chunks.last(chunk); ++a) {
    const int32_t e = d.indices[a];
    const int32_t row = d.offsets[e] + next[e]++;
    const bool kept = row < d.offsets[e + 1];
    d.inverse[a] = kept ? row : -1;
    if (kept) d.permutation[row] = (int32_t)a;
  }
}

} // namespace

int64_t dispatch_scratch(int, const sartor_dispatch &d) {
  return d.assignments > 0 && d.experts > 0 ? Layout(d, nullptr).bytes : 0;
}

int32_t dispatch(Context &context, const sartor_dispatch &op) {
  SARTOR_REQUIRE(op.experts >= 1 && op.experts <= SARTOR_MAX_EXPERTS, "dispatch: experts is %d, must be 1 to %d",
                 op.experts, SARTOR_MAX_EXPERTS);
  SARTOR_REQUIRE(op.assignments >= 1 && op.assignments <= INT32_MAX, "dispatch: assignments is %lld, must be 1 to %d",
                 (long long)op.assignments, INT32_MAX);
  SARTOR_REQUIRE_NOT_NEGATIVE("dispatch", op.capacity);
  SARTOR_REQUIRE_POINTER("dispatch", op.indices);
  SARTOR_REQUIRE_POINTER("dispatch", op.offsets);
  SARTOR_REQUIRE_POINTER("dispatch", op.permutation);
  SARTOR_REQUIRE_POINTER("dispatch", op.inverse);
  SARTOR_REQUIRE_POINTER("dispatch", op.load);
  const Layout layout(op, context.scratch);
  context.parallel(layout.chunks.count, [&](int64_t first, int64_t last, int) {
    for (int64_t chunk = first; chunk < last; ++chunk) count(op, layout, chunk);
  });
  for (int64_t chunk = 0; chunk < layout.chunks.count; ++chunk)
    if (const int64_t a = layout.bad[chunk]; a >= 0)
      return context.fail(SARTOR_BAD_INDEX, "dispatch: indices[%lld] is %d, must be in [0, %d)", (long long)a, op.indices[a],
                          op.experts);
  add_up(op, layout);
  for (int64_t row = op.offsets[op.experts]; row < op.assignments; ++row) op.permutation[row] = -1;
  context.parallel(layout.chunks.count, [&](int64_t first, int64_t last, int) {
    for (int64_t chunk = first; chunk < last; ++chunk) place(op, layout, chunk);
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
