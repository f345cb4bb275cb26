#ifndef UDSRPC_CLIENT_GRPC_TARGET_H_
#define UDSRPC_CLIENT_GRPC_TARGET_H_

#include <string>

#include "absl/status/statusor.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// `endpoint` as a target that gRPC's C++ library connects to the right socket: mostly endpoint.ToString().
// INVALID_ARGUMENT: there is none, because gRPC takes the address apart again after it has decoded the target.
absl::StatusOr<std::string> GrpcTarget(const Endpoint& endpoint);

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_TARGET_H_
