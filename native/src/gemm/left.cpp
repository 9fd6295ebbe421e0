/* left.cpp: left operands made from other types, or from the transpose. */
#include "gemm/gemm.h"
#include "gemm/words.h"

namespace sartor::SARTOR_ISA {
namespace {

template <class Source, class Target>
void convert_rows(Context &context, const LeftSource &s, Target *copy) {
  const int64_t stride = left_stride(s.columns);
  context.parallel(s.rows, [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; ++row) {
      const Source *from = (const Source *)s.data + (s.gather ? s.gather[row] / s.gather_divisor : row) * s.stride;
      Target *to = copy + row * stride;
      if constexpr (std::is_same_v<Source, Target>)
        memcpy(to, from, sizeof(Source) * (size_t)s.columns);
      else
        each_vector(s.columns, [&](int64_t i, auto n) { store(to + i, load(from + i, n), n); });
      if (s.columns % 2) store_scalar(to + s.columns, 0.0f);
    }
  });
}

constexpr int64_t words_a_task = 256;

/* Squares of `lanes` columns by `lanes` words down the rows. */
template <class T>
void transpose_columns(const LeftSource &s, bool pairs, int64_t column, int64_t first_word, int64_t last_word,
                       char *copy, int64_t stride_bytes) {
  const int64_t count = minimum<int64_t>(lanes, s.columns - column);
  for (int64_t word = first_word; word < last_word; word += lanes) {
    vu square[lanes];
    for (int i = 0; i < lanes; ++i) {
      const int64_t row = (word + i) * (pairs ? 2 : 1);
      const T *from = (const T *)s.data + row * s.stride + column;
      const int64_t valid = row < s.rows ? count : 0;
      const int64_t next_valid = row + 1 < s.rows ? count : 0;
      square[i] = pairs ? pair_words(load_halves(from, valid), load_halves(from + s.stride, next_valid))
                        : (vu)load_part(from, valid);
    }
    transpose(square);
    for (int64_t i = 0; i < count; ++i) store_words(copy + (column + i) * stride_bytes + word * 4, square[i]);
  }
}

}  // namespace

LeftOperand make_left(Context &context, const LeftSource &s, int32_t compute, char *copy) {
  if (!s.gather && left_is_direct(s.columns, s.dtype, compute)) return {s.data, s.stride};
  if (compute == SARTOR_FLOAT32)
    s.dtype == SARTOR_FLOAT32 ? convert_rows<float>(context, s, (float *)copy)
                              : convert_rows<bfloat16>(context, s, (float *)copy);
  else
    s.dtype == SARTOR_FLOAT32 ? convert_rows<float>(context, s, (bfloat16 *)copy)
                              : convert_rows<bfloat16>(context, s, (bfloat16 *)copy);
  return {copy, left_stride(s.columns)};
}

void make_left_transposed(Context &context, TransposedLeft *list, int64_t count, int32_t compute) {
  const bool pairs = compute == SARTOR_BFLOAT16;
  auto words_of = [&](const LeftSource &s) { return ceil_div(s.rows, pairs ? 2 : 1); };
  auto tasks_of = [&](const LeftSource &s) { return ceil_div(s.columns, lanes) * ceil_div(words_of(s), words_a_task); };
  int64_t tasks = 0;
  for (int64_t i = 0; i < count; ++i) {
    list[i].stride = left_transposed_stride(list[i].source.rows, compute);
    tasks += tasks_of(list[i].source);
  }
  context.parallel(tasks, [&](int64_t first, int64_t last, int) {
    int64_t i = 0, begin = 0; /* of source i's tasks */
    for (int64_t task = first; task < last; ++task) {
      while (task - begin >= tasks_of(list[i].source)) begin += tasks_of(list[i++].source);
      const LeftSource &s = list[i].source;
      const int64_t words = words_of(s), stretches = ceil_div(words, words_a_task);
      const int64_t column = (task - begin) / stretches * lanes;
      const int64_t word = (task - begin) % stretches * words_a_task;
      const int64_t end = minimum(word + words_a_task, words);
      const int64_t stride_bytes = list[i].stride * dtype_bytes(compute);
      if (s.dtype == SARTOR_FLOAT32)
        transpose_columns<float>(s, pairs, column, word, end, list[i].copy, stride_bytes);
      else
        transpose_columns<bfloat16>(s, pairs, column, word, end, list[i].copy, stride_bytes);
    }
  });
}

LeftOperand make_left_transposed(Context &context, const LeftSource &source, int32_t compute, char *copy) {
  TransposedLeft one{source, copy, 0};
  make_left_transposed(context, &one, 1, compute);
  return one.operand();
}

}  // namespace sartor::SARTOR_ISA
