/* table.cpp: the kernels of one instruction set, by op. */
#include "kernel.h"

namespace sartor::SARTOR_ISA {

#define SARTOR_KERNEL(OP, name)                                          \
  static int32_t run_##name(Context &context, const void *arguments) {   \
    return name(context, *static_cast<const sartor_##name *>(arguments)); \
  }
#define SARTOR_KERNEL_WITH_SCRATCH(OP, name)                                      \
  SARTOR_KERNEL(OP, name)                                                         \
  static int64_t scratch_##name(int threads, const void *arguments) {             \
    return name##_scratch(threads, *static_cast<const sartor_##name *>(arguments)); \
  }
#include "ops.def"
#undef SARTOR_KERNEL
#undef SARTOR_KERNEL_WITH_SCRATCH

static constexpr KernelTable make_table() {
  KernelTable table{};
#define SARTOR_NAME_TEXT(x) #x
#define SARTOR_NAME(x) SARTOR_NAME_TEXT(x)
  table.isa = SARTOR_NAME(SARTOR_ISA);
#define SARTOR_KERNEL(OP, name) \
  table.entries[SARTOR_OP_##OP] = {run_##name, nullptr, static_cast<int32_t>(sizeof(sartor_##name))};
#define SARTOR_KERNEL_WITH_SCRATCH(OP, name) \
  table.entries[SARTOR_OP_##OP] = {run_##name, scratch_##name, static_cast<int32_t>(sizeof(sartor_##name))};
#include "ops.def"
#undef SARTOR_KERNEL
#undef SARTOR_KERNEL_WITH_SCRATCH
  return table;
}

constinit const KernelTable kernel_table = make_table();

}  // namespace sartor::SARTOR_ISA
