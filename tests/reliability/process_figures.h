#ifndef UDSRPC_TESTS_RELIABILITY_PROCESS_FIGURES_H_
#define UDSRPC_TESTS_RELIABILITY_PROCESS_FIGURES_H_

#include <stdlib.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/stress/call_tally.h"
#include "tests/support/event.h"

namespace udsrpc::testing {

// A figure of this process in /proc/self/status, in bytes: "VmRSS", "VmHWM".
inline int64_t StatusBytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t kilobytes;
    if (words >> name >> kilobytes && name == key + ":") return kilobytes * 1024;
  }
  ADD_FAILURE() << "no " << key;
  return 0;
}

// A number of the environment's, for runs that are longer or shorter than CI's.
inline int FromEnvironment(const char* name, int otherwise) {
  const char* const text = getenv(name);
  int value;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

// Waits until no more descriptors than that are open. What has ended is closed behind its end.
inline bool DescriptorsBecome(int count) {
  const absl::Time give_up = absl::Now() + 3 * kPatience;
  while (OpenDescriptors() > count) {
    if (absl::Now() > give_up) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_PROCESS_FIGURES_H_
