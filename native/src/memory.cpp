/* memory.cpp: memory for buffers. Weights and slabs are large and read over and over: on huge
 * pages they cost far fewer page faults and address translations. */
#include <cstdlib>
#include <cstring>

#include "sartor.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace {

constexpr int64_t kAlignment = 64;

int64_t round_up(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

void *allocate_small(int64_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, kAlignment, static_cast<size_t>(bytes)) != 0) return nullptr;
  std::memset(memory, 0, static_cast<size_t>(bytes));
  return memory;
}

#if defined(__linux__)
constexpr int64_t kHugePage = int64_t{2} << 20;
constexpr int64_t kPage = 4096;

/* Maps a huge page more than needed, then gives back what lies before the first boundary and
 * behind the end. */
void *allocate_large(int64_t bytes) {
  const int64_t kept = round_up(bytes, kPage);
  const int64_t mapped = kept + kHugePage;
  void *start = mmap(nullptr, static_cast<size_t>(mapped), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return nullptr;
  char *first = static_cast<char *>(start);
  const int64_t address = static_cast<int64_t>(reinterpret_cast<intptr_t>(start));
  const int64_t before = round_up(address, kHugePage) - address;
  if (before > 0) munmap(first, static_cast<size_t>(before));
  char *memory = first + before;
  if (mapped - before > kept) munmap(memory + kept, static_cast<size_t>(mapped - before - kept));
#if defined(MADV_HUGEPAGE)
  /* Advice: where the system refuses, ordinary pages do. */
  madvise(memory, static_cast<size_t>(kept), MADV_HUGEPAGE);
#endif
  return memory;
}
#endif

}  // namespace

void *sartor_allocate(int64_t bytes) {
  if (bytes <= 0 || bytes > INT64_MAX / 2) return nullptr;
#if defined(__linux__)
  if (bytes >= kHugePage) return allocate_large(bytes);
#endif
  return allocate_small(bytes);
}

void sartor_free(void *memory, int64_t bytes) {
  if (memory == nullptr) return;
#if defined(__linux__)
  if (bytes >= kHugePage) {
    munmap(memory, static_cast<size_t>(round_up(bytes, kPage)));
    return;
  }
#endif
  (void)bytes;
  std::free(memory);
}
