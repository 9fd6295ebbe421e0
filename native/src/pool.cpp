#include "pool.h"

#include <chrono>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

namespace sartor {
namespace {

/* A worker awaits the next region for so long before it sleeps: longer than what lies between two
 * programs of a decoding loop, and little beside what waking a sleeper costs in a virtual machine.
 * Where threads are more than cores it gives way at once. */
constexpr auto patience = std::chrono::microseconds(200);
constexpr int spins_between_looks = 64; /* at the clock */

/* Threads of all pools of the process that have a program running. */
std::atomic<int> busy_threads{0};

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

/* Whether the condition came true within the spinner's patience. */
template <class Condition>
bool spin_until(int cores, Condition &&condition) {
  const auto begun = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < spins_between_looks; ++i) {
      if (condition()) return true;
      relax();
    }
    if (busy_threads.load(std::memory_order_relaxed) > cores) return condition();
  } while (std::chrono::steady_clock::now() - begun < patience);
  return condition();
}

/* Signals are for the host's own threads (the JVM's): workers take none. */
class SignalsBlocked {
 public:
#if defined(__unix__) || defined(__APPLE__)
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
#endif
};

}  // namespace

Pool::Busy::Busy(const Pool &pool) : threads_(pool.threads()) {
  busy_threads.fetch_add(threads_, std::memory_order_relaxed);
}

Pool::Busy::~Busy() { busy_threads.fetch_sub(threads_, std::memory_order_relaxed); }

Pool::Pool(int threads, int cores) : cores_(cores) {
  workers_.reserve(static_cast<size_t>(threads - 1));
  SignalsBlocked blocked;
  try {
    for (int i = 1; i < threads; ++i) {
      workers_.push_back(std::make_unique<Worker>());
      Worker *worker = workers_.back().get();
      worker->thread = std::thread([this, worker, i] { work(*worker, i); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

Pool::~Pool() { stop(); }

void Pool::stop() {
  stopping_ = true;
  for (auto &worker : workers_) {
    if (!worker->thread.joinable()) continue;
    announce(*worker);
    worker->thread.join();
  }
  workers_.clear();
}

void Pool::announce(Worker &worker) {
  worker.region.fetch_add(1, std::memory_order_release);
  worker.region.notify_one();
}

/* Threads that the next region may use. */
int Pool::parts() const {
  const int busy = busy_threads.load(std::memory_order_relaxed);
  if (busy <= cores_ || busy <= threads()) return threads();
  const int64_t share = static_cast<int64_t>(threads()) * cores_ / busy;
  return share < 1 ? 1 : static_cast<int>(share);
}

void Pool::run_ranges(int thread) {
  const int64_t first = share_ * thread;
  if (share_ > 0) body_(closure_, first, first + share_, thread);
  for (;;) {
    const int64_t piece = next_.fetch_add(piece_, std::memory_order_relaxed);
    if (piece >= tasks_) return;
    body_(closure_, piece, piece + piece_ < tasks_ ? piece + piece_ : tasks_, thread);
  }
}

void Pool::run(int64_t tasks, RangeBody body, void *closure) {
  if (tasks <= 0) return;
  const int allowed = parts();
  const int parts = tasks < allowed ? static_cast<int>(tasks) : allowed;
  if (parts == 1) {
    body(closure, 0, tasks, 0);
    return;
  }
  parts_ = parts;
  tasks_ = tasks;
  share_ = tasks * 3 / 4 / parts;
  piece_ = (tasks - share_ * parts + 8 * parts - 1) / (8 * parts);
  body_ = body;
  closure_ = closure;
  next_.store(share_ * parts, std::memory_order_relaxed);
  pending_.store(static_cast<uint32_t>(parts - 1), std::memory_order_relaxed);
  for (int i = 0; i < parts - 1; ++i) announce(*workers_[static_cast<size_t>(i)]);
  run_ranges(0);
  if (spin_until(cores_, [&] { return pending_.load(std::memory_order_acquire) == 0; })) return;
  for (;;) {
    const uint32_t left = pending_.load(std::memory_order_acquire);
    if (left == 0) return;
    pending_.wait(left, std::memory_order_acquire);
  }
}

void Pool::work(Worker &worker, int thread) {
  uint32_t seen = 0;
  for (;;) {
    auto announced = [&] { return worker.region.load(std::memory_order_acquire) != seen; };
    if (!spin_until(cores_, announced)) worker.region.wait(seen, std::memory_order_acquire);
    ++seen; /* the caller announces no second region before all have finished the first */
    if (stopping_) return;
    run_ranges(thread);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
  }
}

void Context::parallel_ranges(int64_t tasks, RangeBody body, void *closure) { pool->run(tasks, body, closure); }

}  // namespace sartor
