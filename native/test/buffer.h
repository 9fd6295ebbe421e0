/* buffer.h: arrays of any float type with guards on both sides, and random contents. */
#ifndef SARTOR_TEST_BUFFER_H
#define SARTOR_TEST_BUFFER_H

#include "check.h"

namespace check {

inline uint16_t bfloat16_bits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffffu) < 0x00800000u) return static_cast<uint16_t>(bits >> 16 & 0x8000); /* as the processor does */
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float bfloat16_value(uint16_t half) {
  uint32_t bits = static_cast<uint32_t>(half) << 16;
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}
/* Normal float16 numbers only. */
inline uint16_t float16_bits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffffu) < 0x38800000u) return static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t magnitude = (bits & 0x7fffffffu) - 0x38000000u;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | (magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13);
}
inline float float16_value(uint16_t half) {
  uint32_t bits = static_cast<uint32_t>(half & 0x8000) << 16;
  if (half & 0x7fff) bits |= (static_cast<uint32_t>(half & 0x7fff) << 13) + 0x38000000u;
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 33);
  }
  float uniform(float low, float high) { return low + (high - low) * static_cast<float>(next() & 0xffffff) * 0x1p-24f; }

 private:
  uint64_t state_;
};

class Buffer {
 public:
  Buffer(int64_t count, int32_t dtype) : count_(count), dtype_(dtype), bytes_(count * size()) {
    memory_.assign(static_cast<size_t>(bytes_ + 2 * guard), 0xA5);
  }

  int64_t count() const { return count_; }
  int32_t dtype() const { return dtype_; }
  int64_t size() const { return dtype_ == SARTOR_FLOAT32 ? 4 : 2; }
  void *data() { return memory_.data() + guard; }
  const void *data() const { return memory_.data() + guard; }
  float *floats() { return static_cast<float *>(data()); }

  float get(int64_t i) const {
    const unsigned char *p = memory_.data() + guard + i * size();
    if (dtype_ == SARTOR_FLOAT32) {
      float x;
      std::memcpy(&x, p, 4);
      return x;
    }
    uint16_t half;
    std::memcpy(&half, p, 2);
    return dtype_ == SARTOR_BFLOAT16 ? bfloat16_value(half) : float16_value(half);
  }
  void set(int64_t i, float x) {
    unsigned char *p = memory_.data() + guard + i * size();
    if (dtype_ == SARTOR_FLOAT32) {
      std::memcpy(p, &x, 4);
      return;
    }
    uint16_t half = dtype_ == SARTOR_BFLOAT16 ? bfloat16_bits(x) : float16_bits(x);
    std::memcpy(p, &half, 2);
  }
  void fill(float x) {
    for (int64_t i = 0; i < count_; ++i) set(i, x);
  }
  void randomize(Random &random, float low = -1, float high = 1) {
    for (int64_t i = 0; i < count_; ++i) set(i, random.uniform(low, high));
  }

  bool operator==(const Buffer &other) const { return memory_ == other.memory_; }
  bool guards_intact() const {
    for (int64_t i = 0; i < guard; ++i)
      if (memory_[static_cast<size_t>(i)] != 0xA5 || memory_[static_cast<size_t>(guard + bytes_ + i)] != 0xA5)
        return false;
    return true;
  }

 private:
  static constexpr int64_t guard = 64;
  int64_t count_;
  int32_t dtype_;
  int64_t bytes_;
  std::vector<unsigned char> memory_;
};

/* |got - expected| <= absolute + relative * |expected| for every element, and intact guards. */
inline void compare(const char *what, const Buffer &got, const std::vector<double> &expected, double absolute,
                    double relative) {
  CHECK(got.guards_intact(), "%s: written out of bounds", what);
  for (int64_t i = 0; i < got.count(); ++i) {
    double e = expected[static_cast<size_t>(i)], g = got.get(i);
    if (!(std::fabs(g - e) <= absolute + relative * std::fabs(e))) {
      CHECK(false, "%s: element %lld is %g, expected %g", what, static_cast<long long>(i), g, e);
      return;
    }
  }
}

}  // namespace check

#endif
