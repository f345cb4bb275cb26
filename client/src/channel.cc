#include "udsrpc/channel.h"

#include <memory>
#include <utility>

#include "client/src/active_call.h"
#include "client/src/client_transport.h"
#include "client/src/failed_stream.h"
#include "client/src/intercepted_call.h"

namespace udsrpc {
Channel::Channel(std::string target, const ChannelOptions& options, std::unique_ptr<ClientTransport> carrier)
    : target_(std::move(target)),
      transport_(options.transport),
      interceptors_(options.interceptors),
      carrier_(std::move(carrier)) {}

Channel::~Channel() = default;

absl::Status Channel::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response) {
  if (absl::Status status = ActiveCall::Claim(context); !status.ok()) return status;
  if (!interceptors_.empty()) return InterceptedUnaryCall(method, context, request, response);
  return carrier_->UnaryCall(method, context, request, response);
}

absl::Status Channel::InterceptedUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                           const google::protobuf::MessageLite& request,
                                           google::protobuf::MessageLite& response) {
  InterceptedCall call(interceptors_, method, context);
  absl::Status status = call.Start();
  if (status.ok()) {
    call.Send(request);
    status = carrier_->UnaryCall(method, context, request, response);
    if (status.ok()) call.Receive(response);
  }
  call.Finish(status);
  return status;
}

std::unique_ptr<ClientStream> Channel::StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                     const google::protobuf::MessageLite* request) {
  if (absl::Status status = ActiveCall::Claim(context); !status.ok()) {
    return std::make_unique<FailedStream>(std::move(status));
  }
  std::unique_ptr<ClientStream> stream = interceptors_.empty() ? carrier_->StreamingCall(method, context, request)
                                                               : InterceptedStreamingCall(method, context, request);
  stream->channel_ = shared_from_this();
  return stream;
}

std::unique_ptr<ClientStream> Channel::InterceptedStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                                const google::protobuf::MessageLite* request) {
  auto call = std::make_unique<InterceptedCall>(interceptors_, method, context);
  absl::Status status = call->Start();
  if (status.ok() && request != nullptr) call->Send(*request);
  std::unique_ptr<ClientStream> stream = status.ok() ? carrier_->StreamingCall(method, context, request)
                                                     : std::make_unique<FailedStream>(std::move(status));
  return std::make_unique<InterceptedStream>(std::move(call), std::move(stream));
}

}  // namespace udsrpc
