/* The vector functions and the random stream, straight from the headers, compiled portably;
 * the other instruction sets are reached through the ops' tests. */
#undef SARTOR_ISA
#define SARTOR_ISA portable
#include "philox.h"

#include "arrays.h"

namespace simd = sartor::portable;
using simd::vf;

static void compare(const char *name, vf (*function)(vf), double (*exact)(double), float from, float to,
                    double allowed) {
  double worst = 0, where = 0;
  for (int i = 0; i < 1 << 20; i += simd::lanes) {
    float x[simd::lanes], y[simd::lanes];
    for (int l = 0; l < simd::lanes; l++) x[l] = from + (to - from) * (static_cast<float>(i + l) * 0x1p-20f);
    simd::store(y, function(simd::load(x)));
    for (int l = 0; l < simd::lanes; l++) {
      double expected = exact(x[l]);
      double ulp = std::ldexp(1.0, std::max(std::ilogb(expected), -126) - 23);
      double error = std::fabs(y[l] - expected) / ulp;
      if (!(error <= worst)) worst = error, where = x[l];
    }
  }
  CHECK(worst <= allowed, "%s is %g units in the last place off at %.9g", name, worst, where);
}

static void special(const char *name, vf (*function)(vf), float x, float expected) {
  float y = function(simd::splat(x))[1];
  CHECK(y == expected || (std::isnan(y) && std::isnan(expected)), "%s(%g) = %g, expected %g", name, x, y, expected);
}

static void functions() {
  compare("exp", [](vf x) { return simd::exp(x); }, [](double x) { return std::exp(x); }, -87, 88.7f, 2);
  compare("exp2", [](vf x) { return simd::exp2(x); }, [](double x) { return std::exp2(x); }, -125.9f, 20, 2);
  compare("tanh", [](vf x) { return simd::tanh(x); }, [](double x) { return std::tanh(x); }, -10, 10, 3);
  compare("tanh", [](vf x) { return simd::tanh(x); }, [](double x) { return std::tanh(x); }, -1, 1.1f, 3);
  compare("erf", [](vf x) { return simd::erf(x); }, [](double x) { return std::erf(x); }, -5, 5.1f, 3);
  compare("sigmoid", [](vf x) { return simd::sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }, -20, 20,
          4);
  const float infinity = INFINITY;
  special("exp", [](vf x) { return simd::exp(x); }, infinity, infinity);
  special("exp", [](vf x) { return simd::exp(x); }, -infinity, 0);
  special("exp", [](vf x) { return simd::exp(x); }, NAN, NAN);
  special("exp", [](vf x) { return simd::exp(x); }, 0, 1);
  special("exp2", [](vf x) { return simd::exp2(x); }, -infinity, 0);
  special("exp2", [](vf x) { return simd::exp2(x); }, -1e9f, 0);
  special("exp2", [](vf x) { return simd::exp2(x); }, NAN, NAN);
  special("exp2", [](vf x) { return simd::exp2(x); }, 0, 1);
  special("exp2", [](vf x) { return simd::exp2(x); }, 10, 1024);
  special("tanh", [](vf x) { return simd::tanh(x); }, infinity, 1);
  special("tanh", [](vf x) { return simd::tanh(x); }, NAN, NAN);
  special("erf", [](vf x) { return simd::erf(x); }, -infinity, -1);
  special("erf", [](vf x) { return simd::erf(x); }, NAN, NAN);
  special("sigmoid", [](vf x) { return simd::sigmoid(x); }, -infinity, 0);
  float part[4] = {1, 2, 3, 4};
  CHECK(simd::sum(simd::load(part, 3)) == 6, "a partial load reads too much");
  CHECK(simd::maximum(simd::load(part, 3)) == 3, "a partial load reads too much");
}

/* Known answers that come with the Random123 library (kat_vectors, philox4x32 10). */
static void known_answers() {
  struct {
    uint32_t counter[4], key[2], expected[4];
  } cases[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (auto &c : cases) {
    uint64_t seed = static_cast<uint64_t>(c.key[1]) << 32 | c.key[0];
    uint64_t block = static_cast<uint64_t>(c.counter[1]) << 32 | c.counter[0];
    simd::vu many[4];
    simd::philox_blocks(block, c.counter[2], c.counter[3], seed, many);
    simd::philox(c.counter, c.key[0], c.key[1]);
    for (int w = 0; w < 4; w++) {
      CHECK(c.counter[w] == c.expected[w], "word %d is %08x, expected %08x", w, c.counter[w], c.expected[w]);
      CHECK(many[w][0] == c.expected[w], "word %d of the vectors is %08x, expected %08x", w, many[w][0], c.expected[w]);
    }
  }
}

/* Lane l of philox_blocks is block first + l, also where the low word overflows. */
static void block_numbers() {
  for (uint64_t first : {uint64_t{5}, uint64_t{0xfffffffe}, uint64_t{0x7fffffffe}}) {
    simd::vu many[4];
    simd::philox_blocks(first, 7, 9, 0x1234567890abcdefu, many);
    for (int l = 0; l < simd::lanes; l++) {
      uint64_t block = first + static_cast<uint64_t>(l);
      uint32_t one[4] = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 7, 9};
      simd::philox(one, 0x90abcdef, 0x12345678);
      for (int w = 0; w < 4; w++) CHECK(many[w][l] == one[w], "lane %d, word %d of the vectors differs", l, w);
    }
  }
}

static void tables() {
  float floats[256];
  uint8_t bytes[256 + 3] = {}, codes[simd::lanes], back[simd::lanes];
  for (int i = 0; i < 256; i++) floats[i] = static_cast<float>(3 * i), bytes[i] = static_cast<uint8_t>(255 - i);
  for (int first = 0; first < 256; first += simd::lanes) {
    for (int l = 0; l < simd::lanes; l++) codes[l] = static_cast<uint8_t>(7 * (first + l));
    const simd::vi index = simd::load_bytes(codes);
    const vf gathered = simd::gather(floats, index), looked_up = simd::look_up(floats, index);
    const simd::vi of_bytes = simd::gather(bytes, index);
    simd::store_bytes(back, of_bytes + 256);
    for (int l = 0; l < simd::lanes; l++)
      CHECK(gathered[l] == floats[codes[l]] && looked_up[l] == floats[codes[l]] && of_bytes[l] == bytes[codes[l]] &&
                back[l] == bytes[codes[l]],
            "element %d of a table is not found", codes[l]);
  }
}

int main() {
  tables();
  functions();
  block_numbers();
  known_answers();
  return check::finish("simd and philox");
}
