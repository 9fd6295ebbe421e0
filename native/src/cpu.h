/* cpu.h: which instruction sets this build has and this processor can run. */
#ifndef SARTOR_CPU_H
#define SARTOR_CPU_H

#include "kernel.h"

namespace sartor {

/* Cores that the operating system lets this process run on; at least 1. */
int available_cores();

/* The table of the set called `name`, or of the best one where name is null or empty.
 * Null where it is not available. */
const KernelTable *find_kernels(const char *name);

/* Writes the available sets, best first, separated by ", ". */
void list_kernels(char *text, int size);

}  // namespace sartor

#endif
