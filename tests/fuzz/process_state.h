#ifndef UDSRPC_TESTS_FUZZ_PROCESS_STATE_H_
#define UDSRPC_TESTS_FUZZ_PROCESS_STATE_H_

#include <dirent.h>
#include <malloc.h>

#include <cstddef>

#include "tests/fuzz/check.h"

// Of the sanitizers' allocators; null without one.
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace udsrpc::fuzz {

// How many descriptors this process has open.
inline int OpenDescriptors() {
  DIR* const directory = opendir("/proc/self/fd");
  FUZZ_CHECK(directory != nullptr);
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// Bytes that are allocated and not freed.
inline size_t AllocatedBytes() {
  if (&__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_PROCESS_STATE_H_
