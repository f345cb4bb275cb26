#ifndef UDSRPC_TESTS_SUPPORT_HIGH_WATER_MARK_H_
#define UDSRPC_TESTS_SUPPORT_HIGH_WATER_MARK_H_

#include <atomic>

namespace udsrpc::testing {

// Has `mark` be at least `value`, whoever raises it at the same time.
inline void RaiseTo(std::atomic<int>& mark, int value) {
  for (int seen = mark; value > seen && !mark.compare_exchange_weak(seen, value);) continue;
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_HIGH_WATER_MARK_H_
