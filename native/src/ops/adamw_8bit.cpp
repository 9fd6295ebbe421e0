/* AdamW with moments in 8 bits, block by block. */
#include "ops/dynamic_map.h"
#include "ops/optimizer.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t block_size = 256;
constexpr DynamicMap<true> signed_map;
constexpr DynamicMap<false> unsigned_map;

/* The codes of a block in whole vectors: where they lie, or of the last, short block a copy, which
 * finish() writes back. (A destructor would bring exception tables, whose symbols all instruction
 * sets share.) */
class Codes {
 public:
  Codes(uint8_t *codes, int64_t count, int padding) : codes_(codes), at_(codes), count_(count) {
    if (count == block_size) return;
    memset(copy_, padding, sizeof copy_);
    memcpy(copy_, codes, (size_t)count);
    at_ = copy_;
  }
  Codes(const Codes &) = delete;
  Codes &operator=(const Codes &) = delete;

  void finish() {
    if (at_ == copy_) memcpy(codes_, copy_, (size_t)count_);
  }
  uint8_t *at(int64_t i) { return at_ + i; }
  int64_t rounded() const { return round_up(count_, lanes); }

 private:
  uint8_t *codes_, *at_;
  int64_t count_;
  alignas(64) uint8_t copy_[block_size];
};

template <class Map>
void decode(const Map &map, Codes &codes, float absmax, float *values) {
  const vf scale = splat(absmax);
  for (int64_t i = 0; i < codes.rounded(); i += lanes) store(values + i, map.decode(load_bytes(codes.at(i))) * scale);
}

template <class Map>
float encode(const Map &map, const float *values, int64_t count, Codes &codes) {
  vf largest{};
  each_vector(count, [&](int64_t i, auto n) { largest = max(largest, abs(load(values + i, n))); });
  const float absmax = maximum(largest);
  const vf scale = splat(absmax);
  for (int64_t i = 0; i < codes.rounded(); i += lanes)
    store_bytes(codes.at(i), absmax > 0 ? map.nearest(load(values + i) / scale) : vi{} + Map::zero);
  return absmax;
}

} // namespace

int32_t adamw_8bit(Context &context, const sartor_adamw_8bit &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("adamw_8bit", op.count);
  SARTOR_TRY(check_schedule(context, "adamw_8bit", op.schedule));
  SARTOR_TRY(check_betas(context, "adamw_8bit", op.beta1, op.beta2));
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("adamw_8bit", op.parameter);
  SARTOR_REQUIRE_POINTER("adamw_8bit", op.gradient);
  SARTOR_REQUIRE_POINTER("adamw_8bit", op.m);
  SARTOR_REQUIRE_POINTER("adamw_8bit", op.v);
  SARTOR_REQUIRE_POINTER("adamw_8bit", op.m_absmax);
  SARTOR_REQUIRE_POINTER("adamw_8bit", op.v_absmax);
  const AdamWStep step(op);
  context.parallel(ceil_div(op.count, block_size), [&](int64_t first, int64_t last, int) {
    alignas(64) float m_values[block_size], v_values[block_size];
    for (int64_t block = first; block < last; block++) {
      const int64_t start = block * block_size, count = minimum(block_size, op.count - start);
      Codes m_codes(op.m + start, count, signed_map.zero), v_codes(op.v + start, count, unsigned_map.zero);
      decode(signed_map, m_codes, op.m_absmax[block], m_values);
      decode(unsigned_map, v_codes, op.v_absmax[block], v_values);
      each_vector(count, [&](int64_t i, auto n) {
        vf p = load(op.parameter + start + i, n), m = load(m_values + i, n), v = load(v_values + i, n);
        step.take(load(op.gradient + start + i, n), p, m, v);
        store(op.parameter + start + i, p, n);
        store(m_values + i, m, n);
        store(v_values + i, v, n);
      });
      op.m_absmax[block] = encode(signed_map, m_values, count, m_codes);
      op.v_absmax[block] = encode(unsigned_map, v_values, count, v_codes);
      m_codes.finish();
      v_codes.finish();
    }
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
