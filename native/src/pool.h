/* pool.h: the engine's threads. A training step has about a thousand parallel regions and a
 * decoded token some hundreds, so a worker spins for a while after a region before it sleeps. */
#ifndef SARTOR_POOL_H
#define SARTOR_POOL_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "kernel.h"

namespace sartor {

class Pool {
 public:
  /* threads counts the caller's; cores: what the pools of the process share. Throws std::system_error where a thread cannot be started. */
  Pool(int threads, int cores);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /* Held while a program runs. Pools of one process that are busy at the same time share the
   * cores: where their threads are more than the cores, each uses its share of them only. */
  class Busy {
   public:
    explicit Busy(const Pool &pool);
    ~Busy();
    Busy(const Busy &) = delete;
    Busy &operator=(const Busy &) = delete;

   private:
    int threads_;
  };

  /* Calls body over ranges that together are [0, tasks). Each thread begins with a share of its
   * own, which it takes in pieces that grow smaller, then helps the others with theirs. The caller
   * waits only for threads that have begun: one that the system gives no core to holds nobody up.
   * One caller at a time. */
  void run(int64_t tasks, RangeBody body, void *closure);

 private:
  /* What a worker waits on; a line of the cache each. */
  struct alignas(64) Worker {
    std::atomic<uint32_t> region{0};
    std::thread thread;
  };

  /* Tasks [next, end) of one thread that nobody has begun. */
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void work(Worker &worker, int thread);
  bool enter();
  void leave();
  void run_ranges(int thread);
  void run_share(Share &share, int thread);
  void announce(Worker &worker);
  void stop();
  int parts() const;

  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Share> shares_; /* one a thread */
  int cores_;
  std::atomic<bool> stopping_{false};

  /* The region's: written while it is closed and empty. */
  int parts_ = 1;
  int64_t least_ = 1; /* tasks of a piece */
  RangeBody body_ = nullptr;
  void *closure_ = nullptr;

  /* Whether workers may enter the region, and how many are in it. */
  static constexpr uint32_t open = uint32_t{1} << 31;
  alignas(64) std::atomic<uint32_t> region_{0};
};

}  // namespace sartor

#endif
