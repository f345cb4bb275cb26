#ifndef UDSRPC_TESTS_PARITY_UDSRPC_CLIENT_CALL_H_
#define UDSRPC_TESTS_PARITY_UDSRPC_CLIENT_CALL_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/parity/client_call.h"
#include "udsrpc/channel.h"

namespace udsrpc::parity {

// A call through udsrpc's generated stubs.
std::unique_ptr<ClientCall> MakeUdsrpcCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                           std::vector<std::string>& refused);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_UDSRPC_CLIENT_CALL_H_
