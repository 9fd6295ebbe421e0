/* sartor.h: the CPU engine's few functions. Everything else is data (sartor_ops.h). */
#ifndef SARTOR_H
#define SARTOR_H

#include "sartor_ops.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SARTOR_ABI_VERSION 2

#if defined(_WIN32)
#define SARTOR_API __declspec(dllexport)
#else
#define SARTOR_API __attribute__((visibility("default")))
#endif

enum sartor_status {
  SARTOR_OK = 0,
  SARTOR_BAD_OP = 1,        /* unknown op kind, or a struct of another size: bindings and library differ */
  SARTOR_BAD_ARGUMENT = 2,  /* sizes, dtypes or pointers that the op cannot take                       */
  SARTOR_BAD_INDEX = 3,     /* a token id or position out of range                                     */
  SARTOR_SCRATCH_TOO_SMALL = 4,
  SARTOR_NO_MEMORY = 5,
  SARTOR_BAD_ISA = 6 /* isa or SARTOR_ISA names a path that this processor or build lacks */
};

/* One instruction of a program. size is sizeof the op's struct as the caller knows it. */
typedef struct sartor_instruction {
  int32_t op;   /* sartor_op */
  int32_t size;
  const void *arguments;
} sartor_instruction;

/* Where and why a program failed. */
typedef struct sartor_failure {
  int64_t instruction; /* index into the program */
  char message[256];   /* zero-terminated, English */
} sartor_failure;

typedef struct sartor_engine sartor_engine;

SARTOR_API int32_t sartor_abi_version(void);
SARTOR_API const char *sartor_version(void);

/* sizeof the op's argument struct as the library knows it; -1: no such op in this build. */
SARTOR_API int32_t sartor_arguments_bytes(int32_t op);

/* Opens an engine with `threads` threads, the caller's included (0: one per core). cores: how many
 * the process may keep busy, which its engines share (0: as many as the system's affinity lets it;
 * a container's quota is the caller's to know). isa names the instruction set: avx512_bf16, avx512, avx2, neon, portable; null: what
 * the environment variable SARTOR_ISA names, else the best of the processor. */
SARTOR_API int32_t sartor_open(int32_t threads, int32_t cores, const char *isa, sartor_engine **engine, sartor_failure *failure);
SARTOR_API void sartor_close(sartor_engine *engine);
SARTOR_API const char *sartor_isa(const sartor_engine *engine);
SARTOR_API int32_t sartor_threads(const sartor_engine *engine);

/* Zeroed memory for buffers, at least 64-byte aligned; from 2 MiB up it starts on a huge page,
 * and huge pages are asked for. Untouched pages are not resident. Null where there is none.
 * Freed with the same size. */
SARTOR_API void *sartor_allocate(int64_t bytes);
SARTOR_API void sartor_free(void *memory, int64_t bytes);

/* Bytes of a packed weight [rows, columns] of dtype, a multiple of 64. -1: dtype not packable. */
SARTOR_API int64_t sartor_packed_bytes(int64_t rows, int64_t columns, int32_t dtype);

/* Elements of scales.absmax of a packed quantized weight [rows, columns] of dtype, whether they
 * are float32 or uint8. -1: dtype has none. */
SARTOR_API int64_t sartor_packed_scales(int64_t rows, int64_t columns, int32_t dtype);

/* Bytes of scratch that the instruction needs; looks at sizes and dtypes and at which pointers
 * are null, never behind a pointer. -1: unknown op or size. */
SARTOR_API int64_t sartor_scratch_bytes(const sartor_engine *engine, const sartor_instruction *instruction);

/* Runs the program in order on the calling thread and the engine's workers; returns when it
 * is done. scratch is 64-byte aligned and as large as the largest need. One program at a time
 * runs on an engine: concurrent calls wait. On failure the rest of the program did not run. */
SARTOR_API int32_t sartor_submit(sartor_engine *engine, const sartor_instruction *program, int64_t count,
                                 void *scratch, int64_t scratch_bytes, sartor_failure *failure);

#ifdef __cplusplus
}
#endif
#endif
