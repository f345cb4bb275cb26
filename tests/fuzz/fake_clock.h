#ifndef UDSRPC_TESTS_FUZZ_FAKE_CLOCK_H_
#define UDSRPC_TESTS_FUZZ_FAKE_CLOCK_H_

#include "absl/time/time.h"

namespace udsrpc::fuzz {

// The steady clock of a program that links this: it stands still but for Advance. What reads it, in this program or in
// the libraries that it loads, does so by clock_gettime(2), which is this file's then; so the code that is tested knows
// nothing of it. The wall clock goes on, and with it the fuzzer's own.
class FakeClock {
 public:
  // To where it began. Ends the program where the C++ library does not read it after all.
  static void Reset();
  static void Advance(absl::Duration duration);
};

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_FAKE_CLOCK_H_
