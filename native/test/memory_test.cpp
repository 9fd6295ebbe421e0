/* Buffers are zeroed, aligned, and writable to their last byte. */
#include <cassert>
#include <cstdint>
#include <cstdio>
#include <initializer_list>

#include "sartor.h"

static void check(int64_t bytes, int64_t alignment) {
  for (int round = 0; round < 2; ++round) { /* the second round gets memory that was used */
    auto *memory = static_cast<unsigned char *>(sartor_allocate(bytes));
    assert(memory != nullptr);
    assert(reinterpret_cast<uintptr_t>(memory) % static_cast<uintptr_t>(alignment) == 0);
    for (int64_t i = 0; i < bytes; ++i) {
      assert(memory[i] == 0);
      memory[i] = 0xff;
    }
    sartor_free(memory, bytes);
  }
}

int main() {
  const int64_t huge = int64_t{2} << 20;
  for (int64_t bytes : {int64_t{1}, int64_t{64}, int64_t{1000}, huge - 1}) check(bytes, 64);
  for (int64_t bytes : {huge, huge + 1, 3 * huge + 4097}) check(bytes, huge);
  assert(sartor_allocate(0) == nullptr);
  assert(sartor_allocate(-1) == nullptr);
  assert(sartor_allocate(INT64_MAX) == nullptr);
  assert(sartor_allocate(INT64_MAX / 2 - 1) == nullptr); /* more than any address space */
  sartor_free(nullptr, 64);
  std::puts("memory: ok");
}
