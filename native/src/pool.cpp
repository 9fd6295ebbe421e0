#include "pool.h"

#include "cpu.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

namespace sartor {
namespace {

constexpr int spin_limit = 2000; /* of about 15-40 ns each */

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
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

Pool::Pool(int threads) {
  spins_ = threads <= available_cores() ? spin_limit : 0;
  workers_.reserve(static_cast<size_t>(threads - 1));
  SignalsBlocked blocked;
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (...) {
    stop();
    throw;
  }
  parts_ = threads;
}

Pool::~Pool() { stop(); }

void Pool::stop() {
  stopping_ = true;
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  for (std::thread &worker : workers_) worker.join();
  workers_.clear();
}

void Pool::run_range(int thread) {
  int64_t first = tasks_ * thread / parts_;
  int64_t last = tasks_ * (thread + 1) / parts_;
  if (first < last) body_(closure_, first, last, thread);
}

void Pool::run(int64_t tasks, RangeBody body, void *closure) {
  if (tasks <= 0) return;
  if (workers_.empty() || tasks == 1) {
    body(closure, 0, tasks, 0);
    return;
  }
  tasks_ = tasks;
  body_ = body;
  closure_ = closure;
  pending_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
  region_.fetch_add(1, std::memory_order_release);
  region_.notify_all();
  run_range(0);
  for (int i = 0; i < spins_; ++i) {
    if (pending_.load(std::memory_order_acquire) == 0) return;
    relax();
  }
  for (;;) {
    uint32_t left = pending_.load(std::memory_order_acquire);
    if (left == 0) return;
    pending_.wait(left, std::memory_order_acquire);
  }
}

void Pool::work(int thread) {
  uint32_t seen = 0;
  for (;;) {
    bool announced = false;
    for (int i = 0; i < spins_ && !announced; ++i) {
      announced = region_.load(std::memory_order_acquire) != seen;
      if (!announced) relax();
    }
    if (!announced) region_.wait(seen, std::memory_order_acquire);
    ++seen; /* the caller announces no second region before all have finished the first */
    if (stopping_) return;
    run_range(thread);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_one();
  }
}

void Context::parallel_ranges(int64_t tasks, RangeBody body, void *closure) { pool->run(tasks, body, closure); }

}  // namespace sartor
