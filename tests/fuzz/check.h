#ifndef UDSRPC_TESTS_FUZZ_CHECK_H_
#define UDSRPC_TESTS_FUZZ_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace udsrpc::fuzz {

[[noreturn]] inline void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace udsrpc::fuzz

// What must hold whatever the input is. Ends the program where it does not, which is what a fuzzer looks for.
#define FUZZ_CHECK(condition) ((condition) ? void() : ::udsrpc::fuzz::CheckFailed(__FILE__, __LINE__, #condition))

#endif  // UDSRPC_TESTS_FUZZ_CHECK_H_
