/* sum.h: sums of flat arrays in double, in a fixed order whatever the number of threads. */
#ifndef SARTOR_OPS_SUM_H
#define SARTOR_OPS_SUM_H

#include "ops/common.h"

namespace sartor::SARTOR_ISA {

static inline int64_t partial_sums(int64_t count) { return ceil_div(count, flat_grain); }

/* term(i) is the i-th summand in double; partials has room for partial_sums(count). */
template <class Term>
static double total(Context &context, double *partials, int64_t count, Term &&term) {
  parallel_flat(context, count, [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; chunk += flat_grain) {
      int64_t end = chunk + flat_grain < last ? chunk + flat_grain : last;
      /* Eight chains, which compilers turn into vectors without reordering a sum. */
      double chains[8] = {};
      int64_t i = chunk;
      for (; i + 8 <= end; i += 8)
        for (int l = 0; l < 8; l++) chains[l] += term(i + l);
      for (; i < end; i++) chains[0] += term(i);
      partials[chunk / flat_grain] =
          ((chains[0] + chains[4]) + (chains[2] + chains[6])) + ((chains[1] + chains[5]) + (chains[3] + chains[7]));
    }
  });
  double sum = 0;
  for (int64_t i = 0; i < partial_sums(count); i++) sum += partials[i];
  return sum;
}

} // namespace sartor::SARTOR_ISA

#endif
