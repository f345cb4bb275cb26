#ifndef UDSRPC_CLIENT_GRPC_LINK_H_
#define UDSRPC_CLIENT_GRPC_LINK_H_

#include <grpc/grpc.h>
#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <utility>

#include "common/src/socket/socket.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// A channel of gRPC's, and what it needs. Immutable, hence thread-safe.
class GrpcLink {
 public:
  // One that connects; by way of `directory`, of a long path, or an invalid one.
  static std::shared_ptr<GrpcLink> ThatConnects(std::shared_ptr<grpc::Channel> channel, UniqueFd directory) {
    return std::shared_ptr<GrpcLink>(new GrpcLink(std::move(channel), std::move(directory), UniqueFd()));
  }
  // One of a connection, of which `connection` is another descriptor.
  static std::shared_ptr<GrpcLink> Of(std::shared_ptr<grpc::Channel> channel, UniqueFd connection) {
    return std::shared_ptr<GrpcLink>(new GrpcLink(std::move(channel), UniqueFd(), std::move(connection)));
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  grpc::GenericStub& stub() { return stub_; }

  // Whether there is a connection, or why not. gRPC knows no state of a channel of one connection.
  grpc_connectivity_state GetState() const {
    if (!connection_.valid()) return channel_->GetState(/*try_to_connect=*/false);
    return HasConnectionEnded(connection_.get()) ? GRPC_CHANNEL_TRANSIENT_FAILURE : GRPC_CHANNEL_READY;
  }

 private:
  GrpcLink(std::shared_ptr<grpc::Channel> channel, UniqueFd directory, UniqueFd connection)
      : directory_(std::move(directory)),
        connection_(std::move(connection)),
        channel_(std::move(channel)),
        stub_(channel_) {}

  const UniqueFd directory_;
  const UniqueFd connection_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_LINK_H_
