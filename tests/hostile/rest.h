#ifndef UDSRPC_TESTS_HOSTILE_REST_H_
#define UDSRPC_TESTS_HOSTILE_REST_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/event.h"
#include "tests/support/process_usage.h"

namespace udsrpc::testing {

// Waits until a process does next to nothing for a moment: an eighth of a CPU, in ticks of the kernel's 10 ms. False:
// it has not, for 20 s.
inline bool AwaitRestOf(const ProcessUsage& usage) {
  const absl::Time give_up = absl::Now() + kPatience;
  for (;;) {
    const absl::Duration before = usage.cpu();
    absl::SleepFor(absl::Milliseconds(80));
    if (usage.cpu() - before <= absl::Milliseconds(10)) return true;
    if (absl::Now() > give_up) return false;
  }
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_HOSTILE_REST_H_
