#ifndef UDSRPC_CLIENT_GRPC_REMOTE_CHANNEL_H_
#define UDSRPC_CLIENT_GRPC_REMOTE_CHANNEL_H_

#include <memory>
#include <utility>

#include "client/src/grpc_channel.h"

namespace udsrpc {

// To a port of another host: one gRPC channel, which resolves, connects, waits and pauses between its attempts by
// itself. What a kernel can say at once of a socket of its own, nobody can of a network.
class GrpcRemoteChannel final : public GrpcChannel {
 public:
  explicit GrpcRemoteChannel(std::shared_ptr<GrpcLink> link) : link_(std::move(link)) {}

  std::shared_ptr<GrpcLink> Current() override { return link_; }
  bool IsReady() override { return true; }
  bool must_connect() const override { return false; }
  StartQueue::Attempt Probe() override { return {}; }
  absl::Status AwaitReady(ClientContext& /*context*/, absl::Time /*deadline*/) override { return absl::OkStatus(); }
  void Replace(const GrpcLink& /*link*/) override {}
  bool is_remote() const override { return true; }

 private:
  const std::shared_ptr<GrpcLink> link_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_REMOTE_CHANNEL_H_
