/* arrays.h: arrays of any float type with guards around them, comparison against values in
 * double, and runs on every instruction set with several numbers of threads. */
#ifndef SARTOR_TEST_ARRAYS_H
#define SARTOR_TEST_ARRAYS_H

#include <functional>
#include <random>

#include "check.h"

namespace check {

inline std::mt19937_64 &random_engine() {
  static std::mt19937_64 engine(20260601);
  return engine;
}
inline double normal() { return std::normal_distribution<double>()(random_engine()); }
inline int64_t below(int64_t limit) { return static_cast<int64_t>(random_engine()() % static_cast<uint64_t>(limit)); }

inline int64_t size_of(int32_t dtype) { return dtype == SARTOR_FLOAT32 ? 4 : 2; }

inline uint16_t bfloat16_bits(double value) {
  float f = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if (std::isnan(f)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline double from_bfloat16_bits(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float f;
  std::memcpy(&f, &wide, 4);
  return f;
}
/* Plain decoding of IEEE binary16, and the nearest one by search over its neighbours. */
inline double from_float16_bits(uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double value = exponent == 31  ? (mantissa ? NAN : INFINITY)
                 : exponent == 0 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -value : value;
}
inline uint16_t float16_bits(double value) {
  if (std::isnan(value)) return 0x7e00;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  double steps = std::nearbyint(std::ldexp(magnitude, 10 - exponent)); /* ties to even */
  return static_cast<uint16_t>(sign | static_cast<int>(std::lround(steps) + (exponent + 14) * 1024));
}

#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t guard = 0; /* the sanitizer watches the borders */
#else
constexpr int64_t guard = 64;
#endif

/* count elements of a float dtype. Fresh arrays hold NaN, so that reading what nobody wrote
 * shows. */
class Array {
 public:
  explicit Array(int64_t count, int32_t dtype = SARTOR_FLOAT32) : count_(count), dtype_(dtype) {
    bytes_ = count * size_of(dtype);
    memory_ = static_cast<char *>(std::malloc(static_cast<size_t>(bytes_ + 2 * guard + (bytes_ + guard == 0))));
    std::memset(memory_, 0xFF, static_cast<size_t>(bytes_ + 2 * guard));
  }
  Array(const Array &other) : Array(other.count_, other.dtype_) {
    std::memcpy(memory_, other.memory_, static_cast<size_t>(bytes_ + 2 * guard));
  }
  Array &operator=(const Array &) = delete;
  ~Array() {
    for (int64_t i = 0; i < guard; i++)
      if (memory_[i] != static_cast<char>(0xFF) || memory_[guard + bytes_ + i] != static_cast<char>(0xFF)) {
        CHECK(false, "written outside an array of %lld elements", static_cast<long long>(count_));
        break;
      }
    std::free(memory_);
  }

  int64_t count() const { return count_; }
  int32_t dtype() const { return dtype_; }
  void *data() { return memory_ + guard; }
  float *floats() { return reinterpret_cast<float *>(memory_ + guard); }
  std::string bytes() const { return std::string(memory_ + guard, static_cast<size_t>(bytes_)); }

  double operator[](int64_t i) const {
    if (dtype_ == SARTOR_FLOAT32) {
      float f;
      std::memcpy(&f, memory_ + guard + 4 * i, 4);
      return f;
    }
    uint16_t bits;
    std::memcpy(&bits, memory_ + guard + 2 * i, 2);
    return dtype_ == SARTOR_BFLOAT16 ? from_bfloat16_bits(bits) : from_float16_bits(bits);
  }
  void set(int64_t i, double value) {
    if (dtype_ == SARTOR_FLOAT32) {
      float f = static_cast<float>(value);
      std::memcpy(memory_ + guard + 4 * i, &f, 4);
      return;
    }
    uint16_t bits = dtype_ == SARTOR_BFLOAT16 ? bfloat16_bits(value) : float16_bits(value);
    std::memcpy(memory_ + guard + 2 * i, &bits, 2);
  }
  Array &fill(double value) {
    for (int64_t i = 0; i < count_; i++) set(i, value);
    return *this;
  }
  Array &randomize(double scale = 1) {
    for (int64_t i = 0; i < count_; i++) set(i, scale * normal());
    return *this;
  }
  std::vector<double> values() const {
    std::vector<double> v(static_cast<size_t>(count_));
    for (int64_t i = 0; i < count_; i++) v[static_cast<size_t>(i)] = (*this)[i];
    return v;
  }

 private:
  int64_t count_, bytes_;
  int32_t dtype_;
  char *memory_;
};

/* Relative error of one rounding to the type, with room for float32 sums. */
inline double tolerance(int32_t dtype) {
  return dtype == SARTOR_FLOAT32 ? 2e-6 : dtype == SARTOR_BFLOAT16 ? 4.2e-3 : 5.5e-4;
}

/* |actual - expected| <= tolerance * (|expected| + scale), first bad element reported. */
inline bool near(const Array &actual, const std::vector<double> &expected, double scale, const char *what,
                 double factor = 1) {
  for (int64_t i = 0; i < actual.count(); i++) {
    double a = actual[i], e = expected[static_cast<size_t>(i)];
    double allowed = factor * tolerance(actual.dtype()) * (std::fabs(e) + scale);
    if (std::fabs(a - e) <= allowed || a == e) continue;
    CHECK(false, "%s: element %lld is %.9g, expected %.9g", what, static_cast<long long>(i), a, e);
    return false;
  }
  return true;
}

/* Central difference of loss in x[i]. */
inline double slope(const std::function<double(const std::vector<double> &)> &loss, std::vector<double> x, int64_t i,
                    double step = 1e-4) {
  double center = x[static_cast<size_t>(i)];
  x[static_cast<size_t>(i)] = center + step;
  double up = loss(x);
  x[static_cast<size_t>(i)] = center - step;
  return (up - loss(x)) / (2 * step);
}

/* test(engine) on every instruction set with 1, 2 and 3 threads; it returns the bytes of its
 * outputs, which must not depend on the number of threads. It is given the same random numbers
 * each time. */
inline void on_every_path(const std::function<std::string(Engine &)> &test) {
  for (const std::string &isa : instruction_sets()) {
    std::string first;
    for (int threads = 1; threads <= 3; threads++) {
      random_engine().seed(7);
      int before = failures;
      Engine engine(isa, threads);
      std::string bytes = test(engine);
      if (threads == 1) first = bytes;
      CHECK(bytes == first, "results with %d threads differ from those with 1", threads);
      if (failures > before) std::printf("  ... on %s with %d threads\n", isa.c_str(), threads);
    }
  }
}

#define CHECK_RUNS(engine, op, arguments)                                                       \
  do {                                                                                          \
    int32_t status_ = (engine).run(op, arguments);                                              \
    CHECK(status_ == SARTOR_OK, "status %d: %s", status_, (engine).message());                  \
  } while (0)

#define CHECK_FAILS(engine, op, arguments, expected_status, text)                               \
  do {                                                                                          \
    int32_t status_ = (engine).run(op, arguments);                                              \
    CHECK(status_ == (expected_status), "status %d", status_);                                  \
    CHECK(std::strstr((engine).message(), text), "message is '%s'", (engine).message());        \
  } while (0)

constexpr int32_t activation_dtypes[] = {SARTOR_FLOAT32, SARTOR_BFLOAT16};

}  // namespace check

#endif
