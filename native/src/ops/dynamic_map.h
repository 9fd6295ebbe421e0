/* dynamic_map.h: 8-bit dynamic quantization (Dettmers 2016; Dettmers et al. 2022, section 1.3), with
 * the values that bitsandbytes' create_dynamic_map makes in float32, bit for bit.
 *
 * Magnitudes lie in seven decades from 1e-7 to 1, each decade cut evenly into twice as many parts as
 * the one below; a value is the middle of its part. 0 and 1 come on top. */
#ifndef SARTOR_OPS_DYNAMIC_MAP_H
#define SARTOR_OPS_DYNAMIC_MAP_H

#include "ops/common.h"

namespace sartor::SARTOR_ISA {

/* Signed: code = 127 + k for the k-th magnitude of a positive value, 127 - k of a negative one,
 * which has no 1. Unsigned: code = k. */
template <bool is_signed>
struct DynamicMap {
  static constexpr int zero = is_signed ? 127 : 0;
  static constexpr int magnitude_count = is_signed ? 129 : 256;

  float magnitudes[magnitude_count] = {};
  float values[256] = {};
  float highest[256] = {}; /* the largest float whose nearest is magnitudes[k] */
  /* Floats below 1 fall into buckets by exponent and seven bits of mantissa, each crossed by one
   * border at most: base is the magnitude's number at its lower end. */
  static constexpr uint32_t least = 0x34000000; /* 2^-23: everything below is 0 */
  static constexpr uint32_t one = 0x3f800000;
  static constexpr int bucket_bits = 16;
  static constexpr uint32_t buckets = (one - least) >> bucket_bits;
  uint8_t base[buckets + 3] = {}; /* gather reads words */

  constexpr DynamicMap() {
    int k = 1;
    const float tens[] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1.0f};
    for (int decade = 0; decade < 7; decade++) {
      const int parts = (is_signed ? 1 : 2) << decade;
      const float width = (1.0f - 0.1f) / (float)parts;
      for (int i = 0; i < parts; i++)
        magnitudes[k++] = tens[decade] * ((border(width, parts, i) + border(width, parts, i + 1)) / 2.0f);
    }
    magnitudes[k] = 1.0f;
    for (int i = 0; i < magnitude_count; i++) {
      values[zero + i] = magnitudes[i];
      if (is_signed && i > 0 && i < 128) values[zero - i] = -magnitudes[i];
    }
    for (int i = 0; i + 1 < magnitude_count; i++) {
      const double middle = ((double)magnitudes[i] + (double)magnitudes[i + 1]) / 2; /* exact */
      float rounded = (float)middle;
      if ((double)rounded > middle) rounded = from_bits(to_bits(rounded) - 1);
      highest[i] = rounded;
    }
    highest[magnitude_count - 1] = 2.0f;
    int number = 0;
    for (uint32_t bucket = 0; bucket < buckets; bucket++) {
      const float low = from_bits(least + (bucket << bucket_bits));
      while (low > highest[number]) number++;
      base[bucket] = (uint8_t)number;
    }
  }

  static constexpr uint32_t to_bits(float x) { return __builtin_bit_cast(uint32_t, x); }
  static constexpr float from_bits(uint32_t bits) { return __builtin_bit_cast(float, bits); }

  /* torch.linspace(0.1, 1, parts + 1)[i]: from the nearer end, with one rounding. */
  static constexpr float border(float width, int parts, int i) {
    return i < (parts + 1) / 2 ? (float)((double)0.1f + (double)width * i) : (float)(1.0 - (double)width * (parts - i));
  }

  /* The values of codes. */
  vf decode(vi codes) const { return look_up(values, codes); }

  /* The codes of the values nearest to x, |x| <= 1; of the smaller one where two are as near. */
  vi nearest(vf x) const {
    const vi bits = (vi)abs(x);
    const vi beyond = bits >= (int32_t)one; /* a NaN too: it must not lead out of the table */
    const vi below = bits < (int32_t)least;
    vi number = gather(base, ((bits - (int32_t)least) >> bucket_bits) & ~(beyond | below));
    number -= (vf)bits > look_up(highest, number);
    number = (number & ~(beyond | below)) | ((magnitude_count - 1) & beyond);
    if constexpr (!is_signed) return number;
    const vi fewer = number > 127; /* no negative 1 */
    return x < splat(0.0f) ? zero - (number + fewer) : zero + number;
  }
};

} // namespace sartor::SARTOR_ISA

#endif
