// The header that bindings were made from and the library agree on the ABI's version.
#include "sartor.h"

#include <cstdio>
#include <cstring>

int main() {
  if (sartor_abi_version() != SARTOR_ABI_VERSION) {
    std::printf("sartor_abi_version() is %d, the header says %d\n", sartor_abi_version(), SARTOR_ABI_VERSION);
    return 1;
  }
  if (std::strlen(sartor_version()) == 0) {
    std::printf("sartor_version() is empty\n");
    return 1;
  }
  return 0;
}
