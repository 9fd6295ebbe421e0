/* AdamW with moments in 8 bits, block by block. */
#include "ops/dynamic_map.h"
#include "ops/optimizer.h"

namespace sartor::SARTOR_ISA {
namespace {

constexpr int64_t block_size = 256;
constexpr DynamicMap<true> signed_map;
constexpr DynamicMap<false> unsigned_map;

template <class Map>
void decode(const Map &map, const uint8_t *codes, float absmax, int64_t count, float *values) {
  for (int64_t i = 0; i < count; i++) values[i] = map.values[codes[i]] * absmax;
}

template <class Map>
float encode(const Map &map, const float *values, int64_t count, uint8_t *codes) {
  vf largest{};
  each_vector(count, [&](int64_t i, auto n) { largest = max(largest, abs(load(values + i, n))); });
  const float absmax = maximum(largest);
  for (int64_t i = 0; i < count; i++) codes[i] = absmax > 0 ? map.nearest(values[i] / absmax) : Map::zero;
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
      decode(signed_map, op.m + start, op.m_absmax[block], count, m_values);
      decode(unsigned_map, op.v + start, op.v_absmax[block], count, v_values);
      each_vector(count, [&](int64_t i, auto n) {
        vf p = load(op.parameter + start + i, n), m = load(m_values + i, n), v = load(v_values + i, n);
        step.take(load(op.gradient + start + i, n), p, m, v);
        store(op.parameter + start + i, p, n);
        store(m_values + i, m, n);
        store(v_values + i, v, n);
      });
      op.m_absmax[block] = encode(signed_map, m_values, count, op.m + start);
      op.v_absmax[block] = encode(unsigned_map, v_values, count, op.v + start);
    }
  });
  return SARTOR_OK;
}

} // namespace sartor::SARTOR_ISA
