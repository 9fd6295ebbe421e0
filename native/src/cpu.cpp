#include "cpu.h"

#include "instruction_sets.h" /* made by the build: SARTOR_ISA_LIST(X), best first */

#include <cstdio>
#include <cstring>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace sartor {

#define SARTOR_DECLARE(name)             \
  namespace name {                       \
  extern const KernelTable kernel_table; \
  }
SARTOR_ISA_LIST(SARTOR_DECLARE)
#undef SARTOR_DECLARE

namespace {

[[maybe_unused]] bool runs_portable() { return true; }
[[maybe_unused]] bool runs_neon() { return true; /* part of AArch64 */ }
#if defined(__x86_64__) || defined(_M_X64)
[[maybe_unused]] bool runs_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
[[maybe_unused]] bool runs_avx512() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
[[maybe_unused]] bool runs_avx512_bf16() {
  return runs_avx512() && __builtin_cpu_supports("avx512bf16");
}
#endif

struct Choice {
  bool (*runs)();
  const KernelTable *table;
};

#define SARTOR_CHOICE(name) {runs_##name, &name::kernel_table},
const Choice choices[] = {SARTOR_ISA_LIST(SARTOR_CHOICE)};
#undef SARTOR_CHOICE

}  // namespace

int available_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
#endif
  unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<int>(count) : 1;
}

const KernelTable *find_kernels(const char *name) {
  bool any = name == nullptr || *name == 0;
  for (const Choice &choice : choices)
    if (choice.runs() && (any || std::strcmp(name, choice.table->isa) == 0)) return choice.table;
  return nullptr;
}

void list_kernels(char *text, int size) {
  int used = 0;
  text[0] = 0;
  for (const Choice &choice : choices) {
    if (!choice.runs()) continue;
    int written = std::snprintf(text + used, static_cast<size_t>(size - used), "%s%s", used ? ", " : "",
                                choice.table->isa);
    if (written < 0 || used + written >= size) return;
    used += written;
  }
}

}  // namespace sartor
