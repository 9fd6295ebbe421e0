// gemm_bench.cpp: rough rates of the matrix products in GFLOP/s, best and median of repeats by
// wall time, and best by the process's CPU time (which with one thread means something on a
// busy machine too).
//   gemm_bench [threads] [repeats] [rows: quantized weights only, so many rows]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include "sartor.h"

namespace {

struct Memory {
  void *data;
  int64_t bytes;
  explicit Memory(int64_t bytes) : data(sartor_allocate(bytes)), bytes(bytes) {}
  ~Memory() { sartor_free(data, bytes); }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  float *floats() { return static_cast<float *>(data); }
};

int64_t element(int32_t dtype) { return dtype == SARTOR_FLOAT32 ? 4 : 2; }

void randomize(Memory &memory, int32_t dtype) {
  uint64_t state = 1;
  for (int64_t i = 0; i < memory.bytes / element(dtype); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    float value = static_cast<float>(static_cast<int64_t>(state >> 40)) * 0x1p-24f - 0.5f;
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    if (dtype == SARTOR_FLOAT32)
      static_cast<float *>(memory.data)[i] = value;
    else
      static_cast<uint16_t *>(memory.data)[i] = static_cast<uint16_t>(bits >> 16);
  }
}

double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Bench {
  sartor_engine *engine;
  int repeats;

  template <class Arguments>
  void run(const char *name, double flops, int32_t op, const Arguments &arguments) {
    sartor_instruction instruction{op, sizeof arguments, &arguments};
    int64_t bytes = sartor_scratch_bytes(engine, &instruction);
    Memory scratch(bytes > 0 ? bytes : 64);
    std::vector<double> seconds;
    double best_cpu = 1e30;
    for (int i = 0; i < repeats; ++i) {
      sartor_failure failure;
      const double cpu = cpu_seconds();
      auto start = std::chrono::steady_clock::now();
      if (sartor_submit(engine, &instruction, 1, scratch.data, scratch.bytes, &failure) != SARTOR_OK) {
        std::printf("%s: %s\n", name, failure.message);
        std::exit(1);
      }
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      best_cpu = std::min(best_cpu, cpu_seconds() - cpu);
    }
    std::sort(seconds.begin(), seconds.end());
    std::printf("%-48s best %7.1f median %7.1f GFLOP/s, best by CPU time %7.1f; best %8.3f ms\n", name,
                flops / seconds[0] * 1e-9, flops / seconds[seconds.size() / 2] * 1e-9, flops / best_cpu * 1e-9,
                seconds[0] * 1e3);
  }
};

void linear(Bench &bench, int64_t rows, int64_t in, int64_t out, int32_t rank, int32_t dtype) {
  const int64_t e = element(dtype);
  Memory x(rows * in * e), w(in * out * e), packed(sartor_packed_bytes(out, in, dtype)), a(rank * in * 4 + 64),
      b(rank * out * 4 + 64), h(rows * rank * 4 + 64), y(rows * out * e), dx(rows * in * e), d_a(rank * in * 4 + 64),
      d_b(rank * out * 4 + 64);
  randomize(x, dtype), randomize(w, dtype), randomize(a, SARTOR_FLOAT32), randomize(b, SARTOR_FLOAT32);
  randomize(y, dtype);
  sartor_pack pack{{w.data, out, in, SARTOR_ROW_MAJOR, dtype, {}}, {packed.data, out, in, SARTOR_PACKED, dtype, {}}, 0};
  sartor_instruction instruction{SARTOR_OP_PACK, sizeof pack, &pack};
  sartor_submit(bench.engine, &instruction, 1, nullptr, 0, nullptr);
  sartor_lora_linear forward{}; forward.projection_count = 1;
  forward.x = x.data;
  forward.projections[0].weight = {packed.data, out, in, SARTOR_PACKED, dtype, {}};
  forward.projections[0].lora_a = rank ? a.floats() : nullptr;
  forward.projections[0].lora_b = rank ? b.floats() : nullptr;
  forward.projections[0].y = y.data;
  forward.projections[0].h = rank ? h.floats() : nullptr;
  forward.rows = rows;
  forward.projections[0].rank = rank;
  forward.projections[0].scaling = 2;
  forward.dtype = dtype;
  char name[120];
  const char *type = dtype == SARTOR_FLOAT32 ? "f32" : "bf16";
  const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  std::snprintf(name, sizeof name, "%s linear %lld x %lld x %lld r%d", type, (long long)rows, (long long)in,
                (long long)out, rank);
  bench.run(name, flops, SARTOR_OP_LORA_LINEAR, forward);
  sartor_lora_linear_backward backward{}; backward.projection_count = 1;
  backward.projections[0].dy = y.data;
  backward.x = x.data;
  backward.projections[0].h = forward.projections[0].h;
  backward.projections[0].weight = forward.projections[0].weight;
  backward.projections[0].lora_a = forward.projections[0].lora_a;
  backward.projections[0].lora_b = forward.projections[0].lora_b;
  backward.dx = dx.data;
  backward.rows = rows;
  backward.projections[0].rank = rank;
  backward.projections[0].scaling = 2;
  backward.dtype = dtype;
  if (rank) {
    std::snprintf(name, sizeof name, "%s   backward, dx only", type);
    bench.run(name, flops, SARTOR_OP_LORA_LINEAR_BACKWARD, backward);
    backward.projections[0].d_lora_a = d_a.floats();
    backward.projections[0].d_lora_b = d_b.floats();
  }
  std::snprintf(name, sizeof name, "%s   backward", type);
  bench.run(name, flops, SARTOR_OP_LORA_LINEAR_BACKWARD, backward);
  if (!rank && out * in <= (8 << 20)) {
    Memory d_w(in * out * 4);
    backward.dx = nullptr;
    backward.projections[0].d_weight = d_w.floats();
    std::snprintf(name, sizeof name, "%s   d_weight", type);
    bench.run(name, flops, SARTOR_OP_LORA_LINEAR_BACKWARD, backward);
  }
}

void cross_entropy(Bench &bench, int64_t rows, int64_t in, int64_t vocabulary, int32_t dtype) {
  const int64_t e = element(dtype);
  Memory x(rows * in * e), w(in * vocabulary * e), packed(sartor_packed_bytes(vocabulary, in, dtype)),
      dx(rows * in * e), losses(rows * 4), targets(rows * 4);
  randomize(x, dtype), randomize(w, dtype);
  sartor_pack pack{{w.data, vocabulary, in, SARTOR_ROW_MAJOR, dtype, {}},
                   {packed.data, vocabulary, in, SARTOR_PACKED, dtype, {}},
                   0};
  sartor_instruction instruction{SARTOR_OP_PACK, sizeof pack, &pack};
  sartor_submit(bench.engine, &instruction, 1, nullptr, 0, nullptr);
  sartor_linear_cross_entropy op{};
  op.x = x.data;
  op.weight = {packed.data, vocabulary, in, SARTOR_PACKED, dtype, {}};
  op.targets = static_cast<int32_t *>(targets.data);
  op.losses = losses.floats();
  op.dx = dx.data;
  op.rows = rows;
  op.dtype = dtype;
  char name[120];
  std::snprintf(name, sizeof name, "%s cross-entropy %lld x %lld x %lld with dx", dtype ? "bf16" : "f32",
                (long long)rows, (long long)in, (long long)vocabulary);
  bench.run(name, 4.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(vocabulary),
            SARTOR_OP_LINEAR_CROSS_ENTROPY, op);
}

/* Quantized weights beside dense ones, one after the other in turns. */
void quantized(Bench &bench, int64_t rows, int64_t in, int64_t out, int32_t compute) {
  const int64_t e = element(compute);
  Memory x(rows * in * e), w(in * out * e), dy(rows * out * e), dx(rows * in * e), y(rows * out * e);
  randomize(x, compute), randomize(w, compute), randomize(dy, compute);
  const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  const char *names[] = {"float32", "bfloat16", "", "", "", "", "NF4", "FP4", "int8", "NF4 nested"};
  for (int kind : {(int)compute, (int)SARTOR_NF4, 9, (int)SARTOR_INT8}) {
    const int32_t dtype = kind == 9 ? SARTOR_NF4 : kind;
    const bool dense = dtype == compute, nested = kind == 9;
    const int64_t blocks = in * out / 64, scales = dense ? 1 : sartor_packed_scales(out, in, dtype);
    Memory codes(dense ? 64 : in * out), absmax(4 * (dense ? 1 : dtype == SARTOR_INT8 ? out : blocks)),
        nested_absmax(blocks / 256 * 4 + 4), map(1024), packed(sartor_packed_bytes(out, in, dtype)), packed_absmax(scales * 4);
    randomize(nested_absmax, SARTOR_FLOAT32), randomize(map, SARTOR_FLOAT32);
    sartor_weight source{w.data, out, in, SARTOR_ROW_MAJOR, compute, {}};
    if (!dense) {
      sartor_quantize quantize{w.data, codes.data, absmax.floats(), nullptr, nullptr, out, in, 0, compute, dtype, 0};
      if (!nested) bench.run(names[kind], static_cast<double>(in * out), SARTOR_OP_QUANTIZE, quantize);
      source = {codes.data, out, in, SARTOR_ROW_MAJOR, dtype, {}};
      source.scales.absmax = absmax.data;
      if (nested) source.scales.nested_absmax = nested_absmax.floats(), source.scales.nested_map = map.floats();
    }
    sartor_weight weight = source;
    weight.data = packed.data, weight.layout = SARTOR_PACKED;
    if (dtype == SARTOR_NF4) weight.scales.absmax = packed_absmax.data, weight.scales.group = 64;
    sartor_pack pack{source, weight, 0};
    char name[120];
    std::snprintf(name, sizeof name, "%s pack (elements)", names[kind]);
    bench.run(name, static_cast<double>(in * out), SARTOR_OP_PACK, pack);
    sartor_lora_linear forward{}; forward.projection_count = 1;
    forward.x = x.data, forward.projections[0].weight = weight, forward.projections[0].y = y.data, forward.rows = rows, forward.dtype = compute;
    std::snprintf(name, sizeof name, "%s forward %lld x %lld x %lld", names[kind], (long long)rows, (long long)in, (long long)out);
    bench.run(name, flops, SARTOR_OP_LORA_LINEAR, forward);
    sartor_lora_linear_backward backward{}; backward.projection_count = 1;
    backward.projections[0].dy = dy.data, backward.projections[0].weight = weight, backward.dx = dx.data, backward.rows = rows, backward.dtype = compute;
    std::snprintf(name, sizeof name, "%s dx", names[kind]);
    bench.run(name, flops, SARTOR_OP_LORA_LINEAR_BACKWARD, backward);
  }
}

}  // namespace

int main(int count, char **values) {
  sartor_failure failure;
  Bench bench{};
  if (sartor_open(count > 1 ? std::atoi(values[1]) : 0, nullptr, &bench.engine, &failure) != SARTOR_OK) {
    std::printf("%s\n", failure.message);
    return 1;
  }
  bench.repeats = count > 2 ? std::atoi(values[2]) : 15;
  std::printf("%s, %d threads\n", sartor_isa(bench.engine), sartor_threads(bench.engine));
  if (count > 3) { /* any third argument: quantized weights only */
    for (int64_t out : {2048, 5632}) quantized(bench, std::atoi(values[3]), 2048, out, SARTOR_BFLOAT16);
    sartor_close(bench.engine);
    return 0;
  }
  for (int32_t dtype : {SARTOR_BFLOAT16, SARTOR_FLOAT32}) {
    linear(bench, 512, 2048, 5632, 0, dtype);
    linear(bench, 2048, 2048, 2048, 0, dtype);
    linear(bench, 1024, 768, 768, 16, dtype);
    linear(bench, 1024, 768, 2048, 16, dtype);
    linear(bench, 1024, 2048, 768, 16, dtype);
    cross_entropy(bench, 1024, 768, 32000, dtype);
    for (int64_t rows : {1, 4, 8}) linear(bench, rows, 2048, 5632, 0, dtype);
  }
  sartor_close(bench.engine);
  return 0;
}
