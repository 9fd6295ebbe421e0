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

  /* Calls body over ranges that together are [0, tasks), each thread's one after the other:
   * first its share of the greater part, then pieces of the rest, so that a thread that is late
   * leaves them to the others. One caller at a time. */
  void run(int64_t tasks, RangeBody body, void *closure);

 private:
  /* What a worker waits on; a line of the cache each. */
  struct alignas(64) Worker {
    std::atomic<uint32_t> region{0};
    std::thread thread;
  };

  void work(Worker &worker, int thread);
  void run_ranges(int thread);
  void announce(Worker &worker);
  void stop();
  int parts() const;

  std::vector<std::unique_ptr<Worker>> workers_;
  int cores_;

  /* Written by the caller before the workers' `region` announces them. */
  int parts_ = 1;
  int64_t tasks_ = 0;
  int64_t share_ = 0; /* of each part; the rest is handed out in pieces */
  int64_t piece_ = 1;
  RangeBody body_ = nullptr;
  void *closure_ = nullptr;
  bool stopping_ = false;

  alignas(64) std::atomic<int64_t> next_{0}; /* of the rest */
  alignas(64) std::atomic<uint32_t> pending_{0};
};

}  // namespace sartor

#endif
