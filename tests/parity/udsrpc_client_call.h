#ifndef UDSRPC_TESTS_PARITY_UDSRPC_CLIENT_CALL_H_
#define UDSRPC_TESTS_PARITY_UDSRPC_CLIENT_CALL_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/parity/client_call.h"
#include "udsrpc/channel.h"

namespace udsrpc::parity {

// Calls through udsrpc's generated stubs, one function a face. `refused` gets the keys of the options' metadata that
// the context does not take.
std::unique_ptr<ClientCall> MakeBlockingCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                             std::vector<std::string>& refused);
std::unique_ptr<ClientCall> MakeCallbackCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                             std::vector<std::string>& refused);
std::unique_ptr<ClientCall> MakeCoroutineCall(const std::shared_ptr<Channel>& channel, const CallOptions& options,
                                              std::vector<std::string>& refused);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_UDSRPC_CLIENT_CALL_H_
