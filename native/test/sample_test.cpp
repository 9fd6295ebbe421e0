/* sample: the kept sets of top-k and top-p against sorting, frequencies, log probabilities. */
#include <algorithm>
#include <set>

#include "arrays.h"
using namespace check;

/* Tokens that the warpers of Transformers leave, by full sorting in double. */
static std::set<int32_t> kept(const std::vector<double> &logits, double temperature, int32_t top_k, double top_p) {
  std::vector<int32_t> order;
  for (size_t i = 0; i < logits.size(); i++) order.push_back(static_cast<int32_t>(i));
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  if (top_k > 0 && static_cast<size_t>(top_k) < order.size()) {
    double kth = logits[static_cast<size_t>(order[static_cast<size_t>(top_k - 1)])];
    while (logits[static_cast<size_t>(order.back())] < kth) order.pop_back();
  }
  double total = 0, before = 0;
  auto weight = [&](int32_t i) {
    return std::exp((logits[static_cast<size_t>(i)] - logits[static_cast<size_t>(order[0])]) / temperature);
  };
  for (int32_t i : order) total += weight(i);
  std::set<int32_t> result;
  for (int32_t i : order) {
    if (top_p < 1 && !result.empty() && before >= top_p * total) break;
    result.insert(i);
    before += weight(i);
  }
  return result;
}

static std::string test(Engine &engine) {
  std::string out;
  const int64_t rows = 600, vocabulary = 83;
  Array one(vocabulary), logits(rows * vocabulary), log_probs(rows);
  one.randomize(2);
  for (int i = 0; i < 6; i++) one.set(10 + i, 2.0); /* ties */
  one.set(70, -INFINITY);
  for (int64_t i = 0; i < rows * vocabulary; i++) logits.set(i, one[i % vocabulary]);
  std::vector<double> values = one.values();
  double largest = *std::max_element(values.begin(), values.end()), total = 0;
  for (double v : values) total += std::exp(v - largest);
  struct Case {
    float temperature, top_p;
    int32_t top_k;
  };
  for (Case c : {Case{1, 1, 0}, {0.7f, 1, 7}, {1, 0.6f, 0}, {1.5f, 0.9f, 12}, {1, 1e-6f, 0}, {1, 1, 1}, {1, 1, 500},
                 {0.01f, 1, 0}, {1, 0.999f, 80}}) {
    std::set<int32_t> allowed = kept(values, c.temperature, c.top_k, c.top_p), seen;
    std::vector<double> frequency(static_cast<size_t>(vocabulary));
    double draws = 0;
    for (uint64_t step = 0; step < 20; step++) {
      sartor_rng rng{99, step};
      std::vector<int32_t> tokens(static_cast<size_t>(rows), -1);
      sartor_sample op{logits.floats(), tokens.data(), log_probs.floats(), &rng, rows, vocabulary, c.temperature, c.top_p,
                       c.top_k};
      CHECK_RUNS(engine, SARTOR_OP_SAMPLE, op);
      for (int64_t r = 0; r < rows; r++) {
        int32_t token = tokens[static_cast<size_t>(r)];
        CHECK(allowed.count(token), "token %d is outside what top_k %d, top_p %g keep", token, c.top_k, c.top_p);
        if (!allowed.count(token)) return out;
        seen.insert(token);
        frequency[static_cast<size_t>(token)]++, draws++;
        double expected = values[static_cast<size_t>(token)] - largest - std::log(total);
        CHECK(std::fabs(log_probs[r] - expected) < 1e-5, "log probability %g, expected %g", log_probs[r], expected);
      }
      out += std::string(reinterpret_cast<char *>(tokens.data()), tokens.size() * 4);
    }
    double mass = 0, distance = 0;
    for (int32_t t : allowed) mass += std::exp((values[static_cast<size_t>(t)] - largest) / c.temperature);
    for (int32_t t : allowed)
      distance += std::fabs(frequency[static_cast<size_t>(t)] / draws -
                            std::exp((values[static_cast<size_t>(t)] - largest) / c.temperature) / mass);
    CHECK(distance < 0.08, "frequencies are %g off (top_k %d, top_p %g)", distance, c.top_k, c.top_p);
    CHECK(allowed.size() > 40 || seen.size() == allowed.size(), "only %zu of %zu tokens were drawn", seen.size(),
          allowed.size());
  }
  /* The very stream: equal logits make the token floor(u * 1000), u from the four words of block 0
   * at seed 0, site 0, step 0, which are Random123's known answer. */
  const uint32_t words[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  Array equal(4 * 1000);
  equal.fill(0.5);
  std::vector<int32_t> drawn(4);
  sartor_rng zero{0, 0};
  sartor_sample even{equal.floats(), drawn.data(), nullptr, &zero, 4, 1000, 1, 1, 0};
  CHECK_RUNS(engine, SARTOR_OP_SAMPLE, even);
  for (int r = 0; r < 4; r++) {
    int32_t expected = static_cast<int32_t>(words[r] * 0x1p-32 * 1000);
    CHECK(drawn[static_cast<size_t>(r)] == expected, "row %d drew %d, expected %d", r, drawn[static_cast<size_t>(r)],
          expected);
  }
  /* Greedy: the lowest index on ties, no random stream. */
  std::vector<int32_t> tokens(3);
  Array tie(3 * 5);
  tie.fill(-1);
  tie.set(3, 4), tie.set(4, 4), tie.set(5, -0.5);
  sartor_sample greedy{tie.floats(), tokens.data(), nullptr, nullptr, 3, 5, 0, 1, 0};
  CHECK_RUNS(engine, SARTOR_OP_SAMPLE, greedy);
  CHECK(tokens[0] == 3 && tokens[1] == 0 && tokens[2] == 0, "greedy chose %d %d %d", tokens[0], tokens[1], tokens[2]);
  tie.set(7, NAN);
  CHECK_FAILS(engine, SARTOR_OP_SAMPLE, greedy, SARTOR_BAD_ARGUMENT, "row 1");
  greedy.temperature = 1;
  CHECK_FAILS(engine, SARTOR_OP_SAMPLE, greedy, SARTOR_BAD_ARGUMENT, "rng is null");
  greedy.top_p = 0;
  CHECK_FAILS(engine, SARTOR_OP_SAMPLE, greedy, SARTOR_BAD_ARGUMENT, "top_p is 0");
  return out;
}

int main() {
  on_every_path(test);
  return finish("sample");
}
