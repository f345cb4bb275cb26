#ifndef UDSRPC_BENCHMARKS_STUB_OVERHEAD_ROUNDS_H_
#define UDSRPC_BENCHMARKS_STUB_OVERHEAD_ROUNDS_H_

#include <functional>

#include "absl/time/time.h"

namespace udsrpc::benchmarks {

// One of two that are compared. `call` makes a call and is called by several threads at a time.
struct Contestant {
  const char* name;
  std::function<void()> call;
};

struct Comparison {
  int callers;
  int rounds;
  absl::Duration round;
};

// Runs rounds of both in turn, so that what else the machine does hits both alike, prints the medians of their calls
// a second, p50 and CPU time of this process, and returns the median of the rounds' ratios: calls a second of `b` over
// those of `a`.
double Compare(const Contestant& a, const Contestant& b, const Comparison& comparison);

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_STUB_OVERHEAD_ROUNDS_H_
