/* check.h: the tests' few tools. A failed check prints where and what, and the test's exit
 * status is 1. */
#ifndef SARTOR_TEST_CHECK_H
#define SARTOR_TEST_CHECK_H

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "cpu.h"
#include "sartor.h"

namespace check {

inline int failures = 0;

#define CHECK(condition, ...)                                         \
  do {                                                                \
    if (!(condition)) {                                               \
      std::printf("%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
      std::printf(__VA_ARGS__);                                       \
      std::printf("\n");                                              \
      if (++check::failures > 50) std::exit(1);                       \
    }                                                                 \
  } while (0)

/* The instruction sets this processor runs, best first. */
inline std::vector<std::string> instruction_sets() {
  char text[128];
  sartor::list_kernels(text, sizeof text);
  std::vector<std::string> names;
  for (char *name = std::strtok(text, ", "); name; name = std::strtok(nullptr, ", ")) names.push_back(name);
  return names;
}

/* An engine with a forced instruction set, and scratch with a guard behind it. */
class Engine {
 public:
  Engine(const std::string &isa, int threads) {
    sartor_failure failure;
    if (sartor_open(threads, 0, isa.c_str(), &engine_, &failure) != SARTOR_OK) {
      std::printf("cannot open an engine: %s\n", failure.message);
      std::exit(1);
    }
  }
  ~Engine() {
    sartor_close(engine_);
    std::free(scratch_);
  }
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  sartor_engine *get() const { return engine_; }
  const char *message() const { return failure_.message; }

  /* Runs one op with exactly the scratch that it asks for; returns its status. */
  template <class Arguments>
  int32_t run(int32_t op, const Arguments &arguments) {
    sartor_instruction instruction{op, sizeof(Arguments), &arguments};
    int64_t bytes = sartor_scratch_bytes(engine_, &instruction);
    CHECK(bytes >= 0, "op %d has no scratch size", op);
    if (bytes < 0) return SARTOR_BAD_OP;
    int64_t guarded = (bytes + 63) / 64 * 64 + 64;
    std::free(scratch_);
    scratch_ = static_cast<char *>(std::aligned_alloc(64, static_cast<size_t>(guarded)));
    std::memset(scratch_, 0xA5, static_cast<size_t>(guarded)); /* a NaN in every type */
    int32_t status = sartor_submit(engine_, &instruction, 1, scratch_, bytes, &failure_);
    for (int64_t i = bytes; i < guarded; ++i)
      if (scratch_[i] != static_cast<char>(0xA5)) {
        CHECK(false, "op %d wrote behind its scratch", op);
        break;
      }
    return status;
  }

 private:
  sartor_engine *engine_ = nullptr;
  char *scratch_ = nullptr;
  sartor_failure failure_{};
};

inline int finish(const char *what) {
  if (failures == 0) std::printf("%s: all good\n", what);
  return failures == 0 ? 0 : 1;
}

}  // namespace check

#endif
