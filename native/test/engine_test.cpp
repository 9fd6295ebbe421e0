// The engine's own functions: opening, choosing an instruction set, refusing, threads.
#include <atomic>
#include <thread>

#include "check.h"
#include "pool.h"

static void pool_covers_every_task_once() {
  for (int threads : {1, 2, 3, 7}) {
    sartor::Pool pool(threads, threads);
    sartor_failure failure;
    sartor::Context context{threads, nullptr, &pool, &failure};
    for (int round = 0; round < 300; ++round) {
      int64_t tasks = round % 23;
      std::vector<int> seen(static_cast<size_t>(tasks) + 1, 0);
      std::atomic<int64_t> sum{0};
      context.parallel(tasks, [&](int64_t first, int64_t last, int thread) {
        CHECK(first < last && thread >= 0 && thread < threads, "range [%lld, %lld) of thread %d", (long long)first,
              (long long)last, thread);
        for (int64_t i = first; i < last; ++i) {
          ++seen[static_cast<size_t>(i)];
          sum += i;
        }
      });
      for (int64_t i = 0; i < tasks; ++i)
        CHECK(seen[static_cast<size_t>(i)] == 1, "task %lld of %lld ran %d times", (long long)i, (long long)tasks,
              seen[static_cast<size_t>(i)]);
      CHECK(sum == tasks * (tasks - 1) / 2, "sum is %lld", (long long)sum);
    }
  }
}

static void pool_wakes_sleepers() {
  sartor::Pool pool(3, 3);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2)); /* longer than workers spin */
    std::atomic<int> count{0};
    pool.run(3, [](void *closure, int64_t first, int64_t last, int) {
      *static_cast<std::atomic<int> *>(closure) += static_cast<int>(last - first);
    }, &count);
    CHECK(count == 3, "%d of 3 tasks ran", count.load());
  }
}

static void instruction_sets_can_be_forced() {
  auto names = check::instruction_sets();
  CHECK(!names.empty(), "no instruction set is available");
  for (auto &name : names) {
    check::Engine engine(name, 2);
    CHECK(sartor_isa(engine.get()) == name, "got %s for %s", sartor_isa(engine.get()), name.c_str());
    CHECK(sartor_threads(engine.get()) == 2, "got %d threads", sartor_threads(engine.get()));
  }
  unsetenv("SARTOR_ISA");
  sartor_engine *engine = nullptr;
  sartor_failure failure;
  CHECK(sartor_open(0, 0, nullptr, &engine, &failure) == SARTOR_OK, "%s", failure.message);
  CHECK(sartor_isa(engine) == names.front(), "the best set is the default");
  CHECK(sartor_threads(engine) == sartor::available_cores(), "0 means one thread a core");
  sartor_close(engine);
  CHECK(sartor_open(0, 3, nullptr, &engine, &failure) == SARTOR_OK, "%s", failure.message);
  CHECK(sartor_threads(engine) == 3, "one thread for each core that the caller knows of");
  sartor_close(engine);
  CHECK(sartor_open(0, 100000, nullptr, &engine, &failure) == SARTOR_OK, "more cores than threads can be: %s", failure.message);
  CHECK(sartor_threads(engine) < 100000, "as many as can be");
  sartor_close(engine);
  setenv("SARTOR_ISA", "avx1024", 1);
  CHECK(sartor_open(1, 0, "portable", &engine, &failure) == SARTOR_OK, "an argument overrules the environment");
  sartor_close(engine);
  CHECK(sartor_open(1, 0, nullptr, &engine, &failure) == SARTOR_BAD_ISA, "unknown set");
  CHECK(engine == nullptr, "no engine on failure");
  CHECK(std::strstr(failure.message, "avx1024") && std::strstr(failure.message, "portable"),
        "names what was asked for and what there is: %s", failure.message);
  unsetenv("SARTOR_ISA");
}

static void bad_calls_are_refused() {
  sartor_engine *engine = nullptr;
  sartor_failure failure;
  CHECK(sartor_open(-1, 0, nullptr, &engine, &failure) == SARTOR_BAD_ARGUMENT, "negative threads");
  CHECK(sartor_open(1, -1, nullptr, &engine, &failure) == SARTOR_BAD_ARGUMENT, "negative cores");
  CHECK(sartor_open(100000, 0, nullptr, &engine, &failure) == SARTOR_BAD_ARGUMENT, "too many threads");
  CHECK(sartor_open(1, 0, nullptr, nullptr, &failure) == SARTOR_BAD_ARGUMENT, "null engine");
  CHECK(sartor_open(1, 0, nullptr, &engine, nullptr) == SARTOR_OK, "failure may be null");
  char arguments[1024] = {};
  for (int op : {-1, static_cast<int>(SARTOR_OP_COUNT), 1 << 30}) {
    sartor_instruction bad{op, 8, arguments};
    CHECK(sartor_scratch_bytes(engine, &bad) == -1, "op %d", op);
    CHECK(sartor_submit(engine, &bad, 1, nullptr, 0, &failure) == SARTOR_BAD_OP, "op %d", op);
    CHECK(failure.instruction == 0 && failure.message[0] != 0, "says which and why");
  }
  CHECK(sartor_submit(engine, nullptr, 0, nullptr, 0, &failure) == SARTOR_OK, "an empty program is fine");
  CHECK(sartor_submit(engine, nullptr, 1, nullptr, 0, &failure) == SARTOR_BAD_ARGUMENT, "null program");
  CHECK(sartor_submit(nullptr, nullptr, 0, nullptr, 0, &failure) == SARTOR_BAD_ARGUMENT, "null engine");
  sartor_close(engine);
  sartor_close(nullptr);
}

static void packed_sizes() {
  CHECK(sartor_packed_bytes(64, 10, SARTOR_FLOAT32) == 64 * 10 * 4, "one float32 panel");
  CHECK(sartor_packed_bytes(65, 10, SARTOR_FLOAT32) == 2 * 64 * 10 * 4, "two panels");
  CHECK(sartor_packed_bytes(1, 3, SARTOR_BFLOAT16) == 64 * 4 * 2, "an odd column is padded");
  CHECK(sartor_packed_bytes(0, 3, SARTOR_BFLOAT16) == 0, "empty");
  CHECK(sartor_packed_bytes(1, 1, SARTOR_FLOAT16) == -1, "float16 cannot be packed");
  CHECK(sartor_packed_bytes(-1, 1, SARTOR_FLOAT32) == -1, "negative");
}

int main() {
  pool_covers_every_task_once();
  pool_wakes_sleepers();
  instruction_sets_can_be_forced();
  bad_calls_are_refused();
  packed_sizes();
  return check::finish("engine_test");
}
