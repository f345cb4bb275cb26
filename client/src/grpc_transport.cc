#include "client/src/grpc_transport.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "client/src/active_call.h"
#include "client/src/failed_async_call.h"
#include "client/src/failed_stream.h"
#include "client/src/grpc_async_stream.h"
#include "client/src/grpc_async_unary_call.h"
#include "client/src/grpc_channel.h"
#include "client/src/grpc_credentials.h"
#include "client/src/grpc_remote_channel.h"
#include "client/src/grpc_streaming_call.h"
#include "client/src/grpc_target.h"
#include "client/src/grpc_unary_call.h"
#include "client/src/grpc_unix_channel.h"
#include "common/src/call_errors.h"
#include "common/src/grpc_limits.h"
#include "common/src/socket/socket_address.h"

namespace udsrpc {
namespace {

// Retries stay on although they cost about 5 us a call: without them a call that meets a server's GOAWAY fails, while
// gRPC makes it again, unseen, on the next connection. A service config could ask for more, hence none is looked up.
grpc::ChannelArguments Arguments(const ChannelOptions& options) {
  grpc::ChannelArguments arguments;
  // Two channels are two connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  if (options.keepalive_time != absl::InfiniteDuration()) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, GrpcMilliseconds(options.keepalive_time));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, GrpcMilliseconds(options.keepalive_timeout));
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  SetGrpcLimits(options, [&arguments](const char* name, int value) { arguments.SetInt(name, value); });
  return arguments;
}

grpc::ChannelArguments UnixArguments(const ChannelOptions& options) {
  grpc::ChannelArguments arguments = Arguments(options);
  // As gRPC 1.51 has it anyhow. Later versions send the path, which tonic and Kestrel refuse.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

class GrpcClientTransport final : public ClientTransport {
 public:
  // `name` stands for the endpoint in messages.
  GrpcClientTransport(std::string name, std::unique_ptr<GrpcChannel> channel, const ChannelOptions& options)
      : name_(std::move(name)),
        max_metadata_bytes_(options.max_metadata_bytes),
        channel_(std::move(channel)),
        starts_(name_, [this] { return channel_->Probe(); }) {}

  absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                         const google::protobuf::MessageLite& request,
                         google::protobuf::MessageLite& response) override {
    if (HasFds(context)) return FdsOverGrpcError(method.path);
    return GrpcUnaryCall(Settings(), method, context).Run(request, response);
  }

  std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                              const google::protobuf::MessageLite* request) override {
    if (HasFds(context)) return std::make_unique<FailedStream>(FdsOverGrpcError(method.path));
    return GrpcStreamingCall::Start(Settings(), method, context, request);
  }

  std::unique_ptr<AsyncUnaryCall> PrepareUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                                   const google::protobuf::MessageLite& request,
                                                   google::protobuf::MessageLite& response) override {
    if (HasFds(context)) return std::make_unique<FailedAsyncUnaryCall>(starts_, FdsOverGrpcError(method.path));
    return std::make_unique<GrpcAsyncUnaryCall>(ForAsyncCalls(), method, context, request, response);
  }

  std::unique_ptr<AsyncClientStream> StartStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                        const google::protobuf::MessageLite* request) override {
    if (HasFds(context)) return std::make_unique<FailedAsyncStream>(FdsOverGrpcError(method.path));
    return std::make_unique<GrpcAsyncStream>(ForAsyncCalls(), method, context, request);
  }

  StartQueue& starts() override { return starts_; }

 private:
  static bool HasFds(const ClientContext& context) { return ActiveCall::AttachedFds(context) != nullptr; }

  GrpcAsyncCall::Transport ForAsyncCalls() { return {.settings = Settings(), .starts = starts_, .queue = queue_}; }

  GrpcUnaryCall::Settings Settings() {
    return {.endpoint = name_, .max_metadata_bytes = max_metadata_bytes_, .channel = *channel_};
  }

  const std::string name_;
  const size_t max_metadata_bytes_;
  const std::unique_ptr<GrpcChannel> channel_;
  StartQueue starts_;
  GrpcAsyncQueue queue_;
};

// `target` is for gRPC to connect to, where it does.
std::unique_ptr<ClientTransport> MakeUnixTransport(std::string target, std::unique_ptr<Dialer> dialer,
                                                   const ChannelOptions& options) {
  std::string name = dialer->name();
  return std::make_unique<GrpcClientTransport>(
      std::move(name), std::make_unique<GrpcUnixChannel>(std::move(target), std::move(dialer), UnixArguments(options)),
      options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const Endpoint& endpoint,
                                                                         const ChannelOptions& options) {
  absl::StatusOr<std::unique_ptr<Dialer>> dialer = Dialer::To(endpoint, SocketKind::kStream, options);
  if (!dialer.ok()) return dialer.status();
  const SocketAddress& address = *(*dialer)->address();
  absl::StatusOr<std::string> target = GrpcTarget(endpoint);
  // Of a long path gRPC is told no more than the file's name, and of what it does not connect to itself, nothing.
  const bool is_told = (*dialer)->is_plain() && (!address.is_long() || absl::StrContains(address.file_name(), ","));
  if (is_told && !target.ok()) return target.status();
  return MakeUnixTransport(target.value_or(""), *std::move(dialer), options);
}

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(std::unique_ptr<Dialer> dialer,
                                                                         const ChannelOptions& options) {
  return MakeUnixTransport("", std::move(dialer), options);
}

absl::StatusOr<std::unique_ptr<ClientTransport>> MakeGrpcClientTransport(const RemoteTarget& target,
                                                                         const ChannelOptions& options) {
  return std::make_unique<GrpcClientTransport>(
      target.ToString(),
      std::make_unique<GrpcRemoteChannel>(GrpcLink::ThatConnects(
          grpc::CreateCustomChannel(target.ToString(), options.credentials->grpc(), Arguments(options)), UniqueFd())),
      options);
}

}  // namespace udsrpc
