#ifndef UDSRPC_CLIENT_GRPC_CREDENTIALS_H_
#define UDSRPC_CLIENT_GRPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <utility>

namespace udsrpc {

// gRPC's credentials, for those who must not see gRPC's types. Immutable, hence thread-safe.
class ChannelCredentials {
 public:
  explicit ChannelCredentials(std::shared_ptr<grpc::ChannelCredentials> grpc) : grpc_(std::move(grpc)) {}
  const std::shared_ptr<grpc::ChannelCredentials>& grpc() const { return grpc_; }

 private:
  const std::shared_ptr<grpc::ChannelCredentials> grpc_;  // not null
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_CREDENTIALS_H_
