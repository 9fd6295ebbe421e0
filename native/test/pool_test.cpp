// Pools and engines that are busy at the same time: they share the cores, come to an end, and
// compute what each computes alone.
#include "pool.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "arrays.h"
using namespace check;

/* Waits until the condition holds, or for two seconds. */
template <class Condition>
static bool comes_true(Condition &&condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (!condition())
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

/* The last thread that takes part; the others wait for the one that is expected to be it. */
static int highest_thread(sartor::Pool &pool, int64_t tasks, int expected) {
  struct Seen {
    std::atomic<int64_t> tasks{0};
    std::atomic<int> highest{0};
    int expected;
  } seen;
  seen.expected = expected;
  pool.run(tasks, [](void *closure, int64_t first, int64_t last, int thread) {
    Seen &seen = *static_cast<Seen *>(closure);
    seen.tasks += last - first;
    int before = seen.highest;
    while (before < thread && !seen.highest.compare_exchange_weak(before, thread)) {
    }
    comes_true([&] { return seen.highest >= seen.expected; });
  }, &seen);
  CHECK(seen.tasks == tasks, "%lld of %lld tasks ran", (long long)seen.tasks, (long long)tasks);
  return seen.highest;
}

static void busy_pools_share_the_cores() {
  const int cores = sartor::available_cores() + 2; /* what the caller says holds */
  sartor::Pool one(2 * cores, cores), other(2 * cores, cores);
  const int64_t tasks = 64 * cores; /* each part has a share of its own */
  CHECK(highest_thread(one, tasks, 2 * cores - 1) == 2 * cores - 1, "alone a pool uses the threads it was given");
  {
    sartor::Pool::Busy busy(one);
    CHECK(highest_thread(one, tasks, 2 * cores - 1) == 2 * cores - 1, "busy alone too");
    sartor::Pool::Busy busy_too(other);
    const int share = cores / 2 > 1 ? cores / 2 : 1;
    for (int round = 0; round < 20; ++round) {
      CHECK(highest_thread(one, tasks, share - 1) == share - 1, "a share of %d of %d cores", share, cores);
      CHECK(highest_thread(other, tasks, share - 1) == share - 1, "a share of %d of %d cores", share, cores);
    }
  }
  CHECK(highest_thread(one, tasks, 2 * cores - 1) == 2 * cores - 1, "all threads again");
}

/* Every region is over when run returns, also where some threads sleep and others are late. */
static void regions_of_all_sizes() {
  sartor::Pool pool(4, 2);
  std::vector<int> seen;
  for (int64_t tasks : {1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 1000}) {
    for (int round = 0; round < 50; ++round) {
      seen.assign(static_cast<size_t>(tasks), 0);
      pool.run(tasks, [](void *closure, int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; ++i) ++(*static_cast<std::vector<int> *>(closure))[static_cast<size_t>(i)];
      }, &seen);
      for (int times : seen) CHECK(times == 1, "a task of %lld ran %d times", (long long)tasks, times);
    }
    if (tasks % 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/* While one thread is held up in a piece, the other does all the rest, its share too. */
static void a_late_thread_holds_only_its_piece() {
  sartor::Pool pool(2, 2);
  struct Work {
    std::atomic<int64_t> begun{0}, held{0};
    std::atomic<bool> helped{false};
  } work;
  constexpr int64_t tasks = 64;
  pool.run(tasks, [](void *closure, int64_t first, int64_t last, int thread) {
    Work &work = *static_cast<Work *>(closure);
    work.begun += last - first;
    if (thread == 0) comes_true([&] { return work.held > 0; });
    if (thread == 1 && work.held == 0) {
      work.held = last - first;
      work.helped = comes_true([&] { return work.begun == tasks; });
    }
  }, &work);
  CHECK(work.held > 0 && work.held <= tasks / 8, "the late thread held %lld tasks", (long long)work.held);
  CHECK(work.helped, "the rest of the late thread's share waited for it");
}

/* A product and a sum, again and again, on an engine of its own. */
static std::string run_alone(const std::string &isa, int threads, int rounds) {
  Engine engine(isa, threads);
  const int64_t rows = 9, in = 70, out = 200;
  Array x(rows * in), w(out * in), y(rows * out);
  for (int64_t i = 0; i < rows * in; ++i) x.floats()[i] = static_cast<float>(i % 97 - 48) * 0.021f;
  for (int64_t i = 0; i < out * in; ++i) w.floats()[i] = static_cast<float>(i % 89 - 44) * 0.017f;
  std::string bits;
  for (int round = 0; round < rounds; ++round) {
    sartor_lora_linear linear{}; linear.projection_count = 1;
    linear.x = x.floats();
    linear.projections[0].weight.data = w.floats();
    linear.projections[0].weight.rows = out;
    linear.projections[0].weight.columns = in;
    linear.projections[0].y = y.floats();
    linear.rows = rows;
    CHECK_RUNS(engine, SARTOR_OP_LORA_LINEAR, linear);
    double total = 0;
    sartor_sum_squares squares{y.floats(), &total, rows * out, 0};
    CHECK_RUNS(engine, SARTOR_OP_SUM_SQUARES, squares);
    std::string now = std::string(reinterpret_cast<char *>(&total), 8) +
                      std::string(reinterpret_cast<char *>(y.floats()), static_cast<size_t>(rows * out) * 4);
    CHECK(round == 0 || now == bits, "round %d gave other bits", round);
    bits = now;
  }
  return bits;
}

static void engines_at_the_same_time() {
  const int cores = sartor::available_cores();
  for (auto &isa : instruction_sets()) {
    const std::string alone = run_alone(isa, cores, 1);
    std::vector<std::string> found(3);
    std::vector<std::thread> services;
    for (std::string &bits : found) services.emplace_back([&] { bits = run_alone(isa, cores + 1, 200); });
    for (std::thread &service : services) service.join();
    for (std::string &bits : found) CHECK(bits == alone, "%s: engines side by side gave other bits", isa.c_str());
  }
}

int main() {
  busy_pools_share_the_cores();
  regions_of_all_sizes();
  a_late_thread_holds_only_its_piece();
  engines_at_the_same_time();
  return check::finish("pool_test");
}
