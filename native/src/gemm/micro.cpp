#include "gemm/micro.h"
#include "gemm/words.h"

namespace sartor::SARTOR_ISA {
namespace {

SARTOR_INLINE uint32_t load_word(const char *p) {
  uint32_t word;
  memcpy(&word, p, 4);
  return word;
}

/* c + the products of one word of A with a vector of words of B. */
template <bool dot>
SARTOR_INLINE vf multiply_words(vu a, vu b, vf c) {
#if defined(__AVX512BF16__)
  if constexpr (dot) return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b);
#endif
  return fma((vf)a, (vf)b, c);
}

constexpr int64_t word_row = panel_width * 4; /* bytes from one k (or pair) to the next in a panel */

template <bool dot, int rows, int vectors>
void micro(const Piece *pieces, int count, const float *before, float *tile) {
  /* One vector alone would wait for its own sums: two sets of accumulators take turns. */
  constexpr int sets = vectors == 1 ? 2 : 1;
  vf sums[sets][rows][vectors];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) {
#pragma GCC unroll 2
      for (int set = 0; set < sets; ++set) sums[set][i][j] = splat(0.0f);
    }
  }
  for (int p = 0; p < count; ++p) {
    const Piece &piece = pieces[p];
    const char *a = piece.a;
    const char *b = piece.b;
    const int64_t a_row = piece.a_stride;
    if (dot || piece.panel_dtype == SARTOR_FLOAT32) {
      int64_t steps = dot ? (piece.k + 1) / 2 : piece.k;
      auto step = [&](int set) __attribute__((always_inline)) {
        vu columns[vectors];
#pragma GCC unroll 4
        for (int j = 0; j < vectors; ++j) columns[j] = load_words(b + j * lanes * 4);
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
          vu row = splat_bits(load_word(a + i * a_row));
#pragma GCC unroll 4
          for (int j = 0; j < vectors; ++j)
            sums[set][i][j] = multiply_words<dot>(row, columns[j], sums[set][i][j]);
        }
        a += 4;
        b += word_row;
      };
      if constexpr (sets == 2) {
        for (; steps >= 2; steps -= 2) {
          step(0);
          step(1);
        }
        if (steps > 0) step(0);
      } else {
        for (; steps > 0; --steps) step(0);
      }
    } else if constexpr (!dot) {
      /* float32 times a bfloat16 panel: a pair's halves become two vectors of float32. */
      auto half = [&](auto odd) __attribute__((always_inline)) {
        constexpr bool high = decltype(odd)::value;
        constexpr int set = sets == 2 && high ? 1 : 0;
        vf columns[vectors];
#pragma GCC unroll 4
        for (int j = 0; j < vectors; ++j) {
          vu pair = load_words(b + j * lanes * 4);
          columns[j] = (vf)(high ? pair & splat_bits(0xffff0000u) : pair << 16);
        }
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i) {
          vf row = (vf)splat_bits(load_word(a + i * a_row));
#pragma GCC unroll 4
          for (int j = 0; j < vectors; ++j) sums[set][i][j] = fma(row, columns[j], sums[set][i][j]);
        }
        a += 4;
      };
      for (int64_t pairs = piece.k / 2; pairs > 0; --pairs) {
        half(std::false_type{});
        half(std::true_type{});
        b += word_row;
      }
      if (piece.k % 2) half(std::false_type{});
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) {
      vf sum = sums[0][i][j];
      if constexpr (sets == 2) sum += sums[1][i][j];
      if (before) sum += load(before + i * panel_width + j * lanes);
      store(tile + i * panel_width + j * lanes, sum);
    }
  }
}

template <bool dot, int vectors>
Micro by_rows(int rows) {
  switch (rows) {
    case 1: return micro<dot, 1, vectors>;
    case 2: return micro<dot, 2, vectors>;
    case 4: return micro<dot, 4, vectors>;
    default: return micro<dot, full_tile_rows(vectors), vectors>;
  }
}

template <bool dot>
Micro by_vectors(int rows, int vectors) {
  if constexpr (tile_vectors == 4) {
    if (vectors == 4) return by_rows<dot, 4>(rows);
    if (vectors == 3) return by_rows<dot, 3>(rows);
  }
  if (vectors == 2) return by_rows<dot, 2>(rows);
  return by_rows<dot, 1>(rows);
}

}  // namespace

Micro find_micro(int32_t compute, int rows, int vectors) {
  if constexpr (multiplies_bfloat16) {
    if (compute == SARTOR_BFLOAT16) return by_vectors<true>(rows, vectors);
  }
  return by_vectors<false>(rows, vectors);
}

}  // namespace sartor::SARTOR_ISA
