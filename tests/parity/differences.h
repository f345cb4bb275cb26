#ifndef UDSRPC_TESTS_PARITY_DIFFERENCES_H_
#define UDSRPC_TESTS_PARITY_DIFFERENCES_H_

#include <string>

#include "tests/parity/stack.h"

namespace udsrpc::parity {

enum class Side { kClient, kServer };

// `stock`, the trace of a side in a run on stock gRPC, with what udsrpc does otherwise on purpose. Fails the test where
// the stock trace has not what the difference is from.
std::string ExpectedOfUdsrpc(const std::string& scenario, Face face, Side side, std::string stock);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_DIFFERENCES_H_
