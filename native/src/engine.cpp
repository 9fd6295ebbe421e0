/* engine.cpp: the functions of sartor.h. Compiled without special instructions. */
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>

#include "cpu.h"
#include "gemm/packed.h"
#include "kernel.h"
#include "pool.h"

struct sartor_engine {
  sartor_engine(int threads, int cores, const sartor::KernelTable *kernels) : pool(threads, cores), kernels(kernels) {}
  sartor::Pool pool;
  const sartor::KernelTable *kernels;
  std::mutex busy;
};

namespace sartor {
namespace {

constexpr int max_threads = 1024;

void clear(sartor_failure *failure) {
  if (failure == nullptr) return;
  failure->instruction = -1;
  failure->message[0] = 0;
}

__attribute__((format(printf, 3, 0))) int32_t record(sartor_failure *failure, int32_t status, const char *format,
                                                      va_list values) {
  if (failure != nullptr) std::vsnprintf(failure->message, sizeof failure->message, format, values);
  return status;
}

__attribute__((format(printf, 3, 4))) int32_t refuse(sartor_failure *failure, int32_t status, const char *format,
                                                      ...) {
  va_list values;
  va_start(values, format);
  record(failure, status, format, values);
  va_end(values);
  return status;
}

const KernelEntry *find_entry(const KernelTable &table, const sartor_instruction &instruction) {
  if (instruction.op < 0 || instruction.op >= SARTOR_OP_COUNT) return nullptr;
  const KernelEntry &entry = table.entries[instruction.op];
  return entry.run != nullptr && entry.size == instruction.size ? &entry : nullptr;
}

int32_t run(sartor_engine &engine, const sartor_instruction &instruction, char *scratch, int64_t scratch_bytes,
            sartor_failure *failure) {
  const KernelEntry *entry = find_entry(*engine.kernels, instruction);
  if (entry == nullptr) {
    bool known = instruction.op >= 0 && instruction.op < SARTOR_OP_COUNT &&
                 engine.kernels->entries[instruction.op].run != nullptr;
    if (!known) return refuse(failure, SARTOR_BAD_OP, "there is no kernel for op %d", instruction.op);
    return refuse(failure, SARTOR_BAD_OP,
                  "op %d: the caller's argument struct has %d bytes, this library's %d: bindings and library are of "
                  "different versions",
                  instruction.op, instruction.size, engine.kernels->entries[instruction.op].size);
  }
  if (instruction.arguments == nullptr)
    return refuse(failure, SARTOR_BAD_ARGUMENT, "op %d: arguments are null", instruction.op);
  if (entry->scratch != nullptr) {
    int64_t need = entry->scratch(engine.pool.threads(), instruction.arguments);
    if (need > scratch_bytes)
      return refuse(failure, SARTOR_SCRATCH_TOO_SMALL, "op %d needs %lld bytes of scratch, got %lld", instruction.op,
                    static_cast<long long>(need), static_cast<long long>(scratch_bytes));
    if (need > 0 && (scratch == nullptr || reinterpret_cast<uintptr_t>(scratch) % 64 != 0))
      return refuse(failure, SARTOR_BAD_ARGUMENT, "scratch is %s", scratch ? "not 64-byte aligned" : "null");
  }
  Context context{engine.pool.threads(), scratch, &engine.pool, failure};
  return entry->run(context, instruction.arguments);
}

}  // namespace

int32_t Context::fail(int32_t status, const char *format, ...) {
  va_list values;
  va_start(values, format);
  record(failure, status, format, values);
  va_end(values);
  return status;
}

}  // namespace sartor

extern "C" {

int32_t sartor_open(int32_t threads, int32_t cores, const char *isa, sartor_engine **engine, sartor_failure *failure) {
  using namespace sartor;
  clear(failure);
  if (engine == nullptr) return refuse(failure, SARTOR_BAD_ARGUMENT, "engine is null");
  *engine = nullptr;
  if (threads < 0 || threads > max_threads)
    return refuse(failure, SARTOR_BAD_ARGUMENT, "threads is %d, expected 0 (one per core) to %d", threads,
                  max_threads);
  if (cores < 0) return refuse(failure, SARTOR_BAD_ARGUMENT, "cores is %d, expected 0 (what the system tells) or more", cores);
  const char *environment = isa == nullptr ? std::getenv("SARTOR_ISA") : nullptr;
  const char *wanted = isa == nullptr ? environment : isa;
  const KernelTable *kernels = find_kernels(wanted);
  if (kernels == nullptr) {
    char names[128];
    list_kernels(names, sizeof names);
    return refuse(failure, SARTOR_BAD_ISA,
                  "instruction set \"%.40s\"%s is not available on this processor or in this build; available: %s",
                  wanted, environment ? " (from the environment variable SARTOR_ISA)" : "", names);
  }
  if (cores == 0) cores = available_cores();
  if (threads == 0) threads = cores < max_threads ? cores : max_threads;
  try {
    *engine = new sartor_engine(threads, cores, kernels);
  } catch (const std::bad_alloc &) {
    return refuse(failure, SARTOR_NO_MEMORY, "no memory for an engine with %d threads", threads);
  } catch (const std::system_error &error) {
    return refuse(failure, SARTOR_NO_MEMORY, "cannot start %d threads: %.150s", threads, error.what());
  }
  return SARTOR_OK;
}

void sartor_close(sartor_engine *engine) { delete engine; }

const char *sartor_isa(const sartor_engine *engine) { return engine->kernels->isa; }

int32_t sartor_threads(const sartor_engine *engine) { return engine->pool.threads(); }

int32_t sartor_arguments_bytes(int32_t op) {
  switch (op) {
#define SARTOR_KERNEL(OP, name) \
  case SARTOR_OP_##OP:          \
    return static_cast<int32_t>(sizeof(sartor_##name));
#define SARTOR_KERNEL_WITH_SCRATCH(OP, name) SARTOR_KERNEL(OP, name)
#include "ops.def"
#undef SARTOR_KERNEL
#undef SARTOR_KERNEL_WITH_SCRATCH
    default:
      return -1;
  }
}

int64_t sartor_packed_bytes(int64_t rows, int64_t columns, int32_t dtype) {
  return sartor::SARTOR_ISA::packed_bytes(rows, columns, dtype);
}

int64_t sartor_packed_scales(int64_t rows, int64_t columns, int32_t dtype) {
  return sartor::SARTOR_ISA::packed_scales(rows, columns, dtype);
}

int64_t sartor_scratch_bytes(const sartor_engine *engine, const sartor_instruction *instruction) {
  using namespace sartor;
  if (engine == nullptr || instruction == nullptr || instruction->arguments == nullptr) return -1;
  const KernelEntry *entry = find_entry(*engine->kernels, *instruction);
  if (entry == nullptr) return -1;
  return entry->scratch == nullptr ? 0 : entry->scratch(engine->pool.threads(), instruction->arguments);
}

int32_t sartor_submit(sartor_engine *engine, const sartor_instruction *program, int64_t count, void *scratch,
                      int64_t scratch_bytes, sartor_failure *failure) {
  using namespace sartor;
  clear(failure);
  if (engine == nullptr || count < 0 || (program == nullptr && count > 0))
    return refuse(failure, SARTOR_BAD_ARGUMENT, "engine or program is null, or count is negative");
  std::lock_guard<std::mutex> lock(engine->busy);
  Pool::Busy busy(engine->pool);
  for (int64_t i = 0; i < count; ++i) {
    int32_t status = run(*engine, program[i], static_cast<char *>(scratch), scratch_bytes, failure);
    if (status != SARTOR_OK) {
      if (failure != nullptr) failure->instruction = i;
      return status;
    }
  }
  return SARTOR_OK;
}

}  // extern "C"
