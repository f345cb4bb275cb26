#ifndef UDSRPC_SERVER_GRPC_SERVER_CREDENTIALS_H_
#define UDSRPC_SERVER_GRPC_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <utility>

namespace udsrpc {

// gRPC's credentials, for those who must not see gRPC's types. Immutable, hence thread-safe.
class ServerCredentials {
 public:
  ServerCredentials(std::shared_ptr<grpc::ServerCredentials> grpc, bool verifies_clients)
      : grpc_(std::move(grpc)), verifies_clients_(verifies_clients) {}
  const std::shared_ptr<grpc::ServerCredentials>& grpc() const { return grpc_; }
  bool verifies_clients() const { return verifies_clients_; }

 private:
  const std::shared_ptr<grpc::ServerCredentials> grpc_;  // not null
  const bool verifies_clients_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_SERVER_CREDENTIALS_H_
