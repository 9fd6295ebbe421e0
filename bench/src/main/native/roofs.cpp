// The machine's roofs, as a program can reach them: multiply-adds that never leave the registers, and copies
// and reads of memory that no cache holds. Built by bench/run.sh for the very processor that it runs on
// (-march=native); it is no part of libsartor.
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

// Enough independent sums to hide the latency of a multiply-add on two or more ports, and as many registers.
constexpr int kSums = 12;

// Runs body(part) on that many threads, the caller's among them.
template <class Body>
void parallel(int32_t threads, Body body) {
  std::vector<std::thread> others;
  for (int32_t part = 1; part < threads; part++) others.emplace_back(body, part);
  body(0);
  for (std::thread &other : others) other.join();
}

// The compiler may neither drop the value nor know it.
template <class T>
inline void opaque(T &value) {
#if defined(__x86_64__)
  asm volatile("" : "+v"(value));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(value));
#else
  asm volatile("" : "+m"(value));
#endif
}

void float32_loop(int64_t iterations) {
  Vector a = {}, b = {}, sums[kSums] = {};
  opaque(a);
  opaque(b);
  for (int64_t i = 0; i < iterations; i++) {
    opaque(a);  // else the product would leave the loop
#pragma GCC unroll 12
    for (int s = 0; s < kSums; s++) {
      sums[s] = a * b + sums[s];  // -ffp-contract=fast: one instruction
      opaque(sums[s]);
    }
  }
}

#if defined(__AVX512BF16__)
constexpr double kBfloat16Flops = 4.0 * 16;  // 16 lanes of two multiply-adds
void bfloat16_loop(int64_t iterations) {
  __m512bh a = {}, b = {};
  __m512 sums[kSums] = {};
  opaque(a);
  opaque(b);
  for (int64_t i = 0; i < iterations; i++) {
#pragma GCC unroll 12
    for (int s = 0; s < kSums; s++) {
      sums[s] = _mm512_dpbf16_ps(sums[s], a, b);
      opaque(sums[s]);
    }
  }
}
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
constexpr double kBfloat16Flops = 4.0 * 4;
void bfloat16_loop(int64_t iterations) {
  bfloat16x8_t a = {}, b = {};
  float32x4_t sums[kSums] = {};
  opaque(a);
  opaque(b);
  for (int64_t i = 0; i < iterations; i++) {
#pragma GCC unroll 12
    for (int s = 0; s < kSums; s++) {
      sums[s] = vbfdotq_f32(sums[s], a, b);
      opaque(sums[s]);
    }
  }
}
#else
// Without such an instruction bfloat16 is widened and multiplied as float32.
constexpr double kBfloat16Flops = 2.0 * kLanes;
void bfloat16_loop(int64_t iterations) { float32_loop(iterations); }
#endif

void copy(char *to, const char *from, int64_t bytes) {
#if defined(__AVX512F__)
  // Stores past the caches: memory is written without being read first.
  for (int64_t i = 0; i < bytes; i += 64) {
    _mm512_stream_si512(reinterpret_cast<__m512i *>(to + i), _mm512_load_si512(from + i));
  }
  _mm_sfence();
#else
  memcpy(to, from, bytes);
#endif
}

}  // namespace

#define ROOF extern "C" __attribute__((visibility("default")))

// Floating-point operations of one iteration of a thread.
ROOF double roof_float32_flops(void) { return 2.0 * kLanes * kSums; }
ROOF double roof_bfloat16_flops(void) { return kBfloat16Flops * kSums; }

ROOF void roof_float32(int32_t threads, int64_t iterations) {
  parallel(threads, [=](int32_t) { float32_loop(iterations); });
}

ROOF void roof_bfloat16(int32_t threads, int64_t iterations) {
  parallel(threads, [=](int32_t) { bfloat16_loop(iterations); });
}

// Both 64-byte aligned; bytes a multiple of 64 x threads.
ROOF void roof_copy(int32_t threads, void *to, const void *from, int64_t bytes) {
  const int64_t part = bytes / threads;
  parallel(threads, [=](int32_t i) {
    copy(static_cast<char *>(to) + i * part, static_cast<const char *>(from) + i * part, part);
  });
}

ROOF void roof_read(int32_t threads, const void *from, int64_t bytes) {
  const int64_t part = bytes / threads;
  parallel(threads, [=](int32_t i) {
    const Vector *values = reinterpret_cast<const Vector *>(static_cast<const char *>(from) + i * part);
    Vector sums[4] = {};
    for (int64_t v = 0; v < part / static_cast<int64_t>(sizeof(Vector)); v += 4) {
      for (int s = 0; s < 4; s++) sums[s] += values[v + s];
    }
    for (Vector &sum : sums) opaque(sum);
  });
}
