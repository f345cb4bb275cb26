#ifndef UDSRPC_TESTS_PARITY_GRPC_CLIENT_CALL_H_
#define UDSRPC_TESTS_PARITY_GRPC_CLIENT_CALL_H_

#include <grpcpp/channel.h>

#include <memory>

#include "tests/parity/client_call.h"

namespace udsrpc::parity {

// A call through gRPC's generated stubs, one function an interface of theirs.
std::unique_ptr<ClientCall> MakeStockCall(const std::shared_ptr<grpc::Channel>& channel, const CallOptions& options);
std::unique_ptr<ClientCall> MakeStockQueueCall(const std::shared_ptr<grpc::Channel>& channel,
                                               const CallOptions& options);
std::unique_ptr<ClientCall> MakeStockCallbackCall(const std::shared_ptr<grpc::Channel>& channel,
                                                  const CallOptions& options);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_GRPC_CLIENT_CALL_H_
