#ifndef UDSRPC_SERVER_GRPC_SERVER_CREDENTIALS_H_
#define UDSRPC_SERVER_GRPC_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <utility>

namespace udsrpc {

// gRPC's credentials, for those who must not see gRPC's types. Immutable, hence thread-safe.
class ServerCredentials {
 public:
  explicit ServerCredentials(std::shared_ptr<grpc::ServerCredentials> grpc) : grpc_(std::move(grpc)) {}
  const std::shared_ptr<grpc::ServerCredentials>& grpc() const { return grpc_; }

 private:
  const std::shared_ptr<grpc::ServerCredentials> grpc_;  // not null
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_SERVER_CREDENTIALS_H_
