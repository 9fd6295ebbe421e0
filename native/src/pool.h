/* pool.h: the engine's threads. A training step has about a thousand parallel regions, so a
 * worker spins for some microseconds after a region before it sleeps. */
#ifndef SARTOR_POOL_H
#define SARTOR_POOL_H

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "kernel.h"

namespace sartor {

class Pool {
 public:
  /* threads counts the caller's. Throws std::system_error where a thread cannot be started. */
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /* Runs body over contiguous ranges of [0, tasks), one per thread. One caller at a time. */
  void run(int64_t tasks, RangeBody body, void *closure);

 private:
  void work(int thread);
  void run_range(int thread);
  void stop();

  std::vector<std::thread> workers_;
  int parts_ = 1;
  int spins_ = 0;

  /* Written by the caller before `region_` announces them. */
  int64_t tasks_ = 0;
  RangeBody body_ = nullptr;
  void *closure_ = nullptr;
  bool stopping_ = false;

  alignas(64) std::atomic<uint32_t> region_{0};
  alignas(64) std::atomic<uint32_t> pending_{0};
};

}  // namespace sartor

#endif
