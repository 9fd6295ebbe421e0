#include "sartor.h"

extern "C" int32_t sartor_abi_version(void) { return SARTOR_ABI_VERSION; }

extern "C" const char *sartor_version(void) { return SARTOR_VERSION; }
