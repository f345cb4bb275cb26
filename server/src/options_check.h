#ifndef UDSRPC_SERVER_OPTIONS_CHECK_H_
#define UDSRPC_SERVER_OPTIONS_CHECK_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/src/grpc_remote_transport.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/server.h"

namespace udsrpc {

// What ServerBuilder::Start finds wrong before it does anything: INVALID_ARGUMENT, or OK.
absl::Status CheckOptions(const ServerOptions& options);
absl::Status CheckOptions(absl::string_view target, const EndpointOptions& options);

// A target of ServerBuilder::AddEndpoint.
absl::StatusOr<Endpoint> ParseEndpoint(const std::string& target);
// What was given to ServerBuilder::AddRemoteEndpoint.
absl::StatusOr<RemoteEndpoint> ParseRemote(const std::string& address,
                                           const std::shared_ptr<const ServerCredentials>& credentials);

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_OPTIONS_CHECK_H_
