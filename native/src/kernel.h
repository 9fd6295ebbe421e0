/* kernel.h: what a kernel sees of the engine.
 *
 * Every source under gemm/ and ops/ is compiled once per instruction set, with SARTOR_ISA
 * defined to that set's name, and puts everything it defines into namespace
 * sartor::SARTOR_ISA. The linker keeps one copy of an inline function or template instance
 * of the same name, so code that is compiled with wide instructions must not define any
 * that the baseline also uses: kernels use the helpers below in place of std::min and kin. */
#ifndef SARTOR_KERNEL_H
#define SARTOR_KERNEL_H

#include <stdint.h>

#include <type_traits>

#include "sartor.h"

namespace sartor {

/* Baseline code only: one range of a parallel region, as the thread pool calls it. */
using RangeBody = void (*)(void *closure, int64_t first, int64_t last, int thread);

class Pool;

/* One running instruction. `scratch` is 64-byte aligned and as large as the kernel's
 * scratch function said. */
struct Context {
  int threads;
  char *scratch;
  Pool *pool;
  sartor_failure *failure;

  /* Cuts [0, tasks) into ranges and calls body(int64_t first, int64_t last, int thread) for each,
   * several times a thread, the calling one among them. Returns when all are done. Ranges depend
   * on the number of threads and on chance, so a result may depend on its task but never on the
   * range's borders or the thread. Not to be nested. */
  template <class Body>
  void parallel(int64_t tasks, Body &&body) {
    using Target = std::remove_reference_t<Body>;
    struct Caller {
      static void call(void *closure, int64_t first, int64_t last, int thread) {
        (*static_cast<Target *>(closure))(first, last, thread);
      }
    };
    parallel_ranges(tasks, &Caller::call, &body);
  }

  /* Writes the message (printf style) and returns status. For the calling thread only: a
   * parallel body notes what went wrong, and the kernel fails after the region. */
  int32_t fail(int32_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));

  void parallel_ranges(int64_t tasks, RangeBody body, void *closure);
};

struct KernelEntry {
  int32_t (*run)(Context &, const void *arguments); /* null: no such kernel */
  int64_t (*scratch)(int threads, const void *arguments); /* null: needs none */
  int32_t size; /* of the argument struct */
};

struct KernelTable {
  const char *isa;
  KernelEntry entries[SARTOR_OP_COUNT];
};

namespace SARTOR_ISA {

template <class T>
static inline constexpr T minimum(T a, T b) { return b < a ? b : a; }
template <class T>
static inline constexpr T maximum(T a, T b) { return a < b ? b : a; }
static inline constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/* Hands out 64-byte aligned pieces of scratch. Started at null it only measures: a kernel
 * lays out its scratch in one function, which its scratch function runs to learn the size. */
struct Scratch {
  char *base;
  int64_t used = 0;
  template <class T>
  T *take(int64_t count) {
    char *p = base ? base + used : nullptr;
    used += round_up(count * static_cast<int64_t>(sizeof(T)), 64);
    return reinterpret_cast<T *>(p);
  }
};

/* Kernels: int32_t name(Context &, const sartor_name &) and, where they need scratch,
 * int64_t name_scratch(int threads, const sartor_name &), all listed in ops.def. */
#define SARTOR_KERNEL(OP, name) int32_t name(Context &, const sartor_##name &);
#define SARTOR_KERNEL_WITH_SCRATCH(OP, name) \
  SARTOR_KERNEL(OP, name)                    \
  int64_t name##_scratch(int threads, const sartor_##name &);
#include "ops.def"
#undef SARTOR_KERNEL
#undef SARTOR_KERNEL_WITH_SCRATCH

extern const KernelTable kernel_table;

}  // namespace SARTOR_ISA
}  // namespace sartor

#endif
