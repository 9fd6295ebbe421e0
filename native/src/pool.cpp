#include "pool.h"

#include <algorithm>
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

Pool::Pool(int threads, int cores) : shares_(static_cast<size_t>(threads)), cores_(cores) {
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

void Pool::run_share(Share &share, int thread) {
  int64_t first = share.next.load(std::memory_order_relaxed);
  while (first < share.end) {
    const int64_t rest = share.end - first, quarter = rest / 4;
    const int64_t count = std::min(rest, std::max(quarter, least_));
    if (!share.next.compare_exchange_weak(first, first + count, std::memory_order_relaxed)) continue;
    body_(closure_, first, first + count, thread);
    first = share.next.load(std::memory_order_relaxed);
  }
}

void Pool::run_ranges(int thread) {
  for (int i = 0; i < parts_; ++i) run_share(shares_[static_cast<size_t>((thread + i) % parts_)], thread);
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
  least_ = 1 + tasks / (32 * parts);
  body_ = body;
  closure_ = closure;
  const int64_t share = tasks / parts, longer = tasks % parts; /* so many have one task more */
  for (int64_t i = 0, first = 0; i < parts; ++i) {
    Share &mine = shares_[static_cast<size_t>(i)];
    mine.next.store(first, std::memory_order_relaxed);
    first += share + (i < longer ? 1 : 0);
    mine.end = first;
  }
  region_.store(open, std::memory_order_release);
  for (int i = 0; i < parts - 1; ++i) announce(*workers_[static_cast<size_t>(i)]);
  run_ranges(0);
  region_.fetch_and(~open, std::memory_order_relaxed);
  if (spin_until(cores_, [&] { return region_.load(std::memory_order_acquire) == 0; })) return;
  for (;;) {
    const uint32_t inside = region_.load(std::memory_order_acquire);
    if (inside == 0) return;
    region_.wait(inside, std::memory_order_acquire);
  }
}

/* Whether the worker is in time for a region; what the caller wrote before it opened is then seen. */
bool Pool::enter() {
  uint32_t state = region_.load(std::memory_order_relaxed);
  while (state & open)
    if (region_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
  return false;
}

void Pool::leave() {
  if (region_.fetch_sub(1, std::memory_order_release) == 1) region_.notify_one();
}

void Pool::work(Worker &worker, int thread) {
  uint32_t seen = 0;
  for (;;) {
    auto announced = [&] { return worker.region.load(std::memory_order_acquire) != seen; };
    if (!spin_until(cores_, announced)) worker.region.wait(seen, std::memory_order_acquire);
    seen = worker.region.load(std::memory_order_acquire);
    if (stopping_) return;
    if (!enter()) continue;
    /* A late worker may find a later region, of fewer parts. */
    if (thread < parts_) run_ranges(thread);
    leave();
  }
}

void Context::parallel_ranges(int64_t tasks, RangeBody body, void *closure) { pool->run(tasks, body, closure); }

}  // namespace sartor
