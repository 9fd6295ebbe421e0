/* panel.cpp: panels of the right operand, made in cache from whatever form it has. */
#include "gemm/panel.h"

namespace sartor::SARTOR_ISA {
namespace {

/* float32 panels of a weight [n, k] as pairs. Other packed weights need no new panels. */
void from_packed_float(const float *source, const Part &part) {
  const float *from = source + part.n0 * part.k + part.k0 * panel_width;
  for (int64_t k = 0; k < part.kc; k += 2, from += 2 * panel_width) {
    const int64_t next_valid = k + 1 < part.kc ? panel_width : 0;
    for (int64_t c = 0; c < part.columns; c += lanes)
      store_words(part.panel + k / 2 * word_row + 4 * c,
                  pair_words(load_halves(from + c, lanes), load_halves(from + panel_width + c, next_valid - c)));
  }
}

template <class T>
void from_row_major(const RightOperand &b, const Part &part, bool pairs) {
  const T *source = (const T *)b.data;
  if (b.kind == RightOperand::rows_are_k)
    from_rows_of_k(source, b.stride, part, pairs);
  else
    from_rows_of_n([&](int64_t row) { return source + row * b.stride; }, part, pairs);
}

}  // namespace

void fill_panel(const RightOperand &b, int64_t k, int64_t n, int64_t n0, int64_t columns, int64_t k0, int64_t kc,
                int32_t panel_dtype, void *panel) {
  const Part part{k, n, n0, columns, k0, kc, (char *)panel};
  const char *source = (const char *)b.data;
  const bool pairs = panel_dtype == SARTOR_BFLOAT16;
  if (is_quantized(b.dtype)) return fill_quantized(b, part, pairs);
  switch (b.kind) {
    case RightOperand::packed: from_packed_float((const float *)source, part); return;
    case RightOperand::packed_transposed:
      if (b.dtype == SARTOR_BFLOAT16)
        pairs ? from_packed_transposed<true, true>(source, part) : from_packed_transposed<true, false>(source, part);
      else
        pairs ? from_packed_transposed<false, true>(source, part) : from_packed_transposed<false, false>(source, part);
      return;
    case RightOperand::rows_apart: {
      const float *const *rows = (const float *const *)b.data;
      return from_rows_of_n([&](int64_t row) { return rows[row]; }, part, pairs);
    }
    default: break;
  }
  if (b.dtype == SARTOR_FLOAT32)
    from_row_major<float>(b, part, pairs);
  else if (b.dtype == SARTOR_BFLOAT16)
    from_row_major<bfloat16>(b, part, pairs);
  else
    from_row_major<float16>(b, part, pairs);
}

}  // namespace sartor::SARTOR_ISA
