#ifndef UDSRPC_CLIENT_AUTO_TRANSPORT_H_
#define UDSRPC_CLIENT_AUTO_TRANSPORT_H_

#include <atomic>
#include <memory>
#include <utility>

#include "client/src/client_transport.h"
#include "client/src/seqpacket_transport.h"
#include "common/src/deadline.h"

namespace udsrpc {

// Transport::kAuto: seqpacket wherever the server has such a socket, else gRPC. Once gRPC was chosen, seqpacket is
// tried again after a second, so that a server that begins to offer it is noticed.
class AutoTransport final : public ClientTransport {
 public:
  AutoTransport(std::unique_ptr<SeqpacketTransport> seqpacket, std::unique_ptr<ClientTransport> grpc)
      : seqpacket_(std::move(seqpacket)), grpc_(std::move(grpc)) {}

  absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                         const google::protobuf::MessageLite& request,
                         google::protobuf::MessageLite& response) override {
    return Choose().UnaryCall(method, context, request, response);
  }
  std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                              const google::protobuf::MessageLite* request) override {
    return Choose().StreamingCall(method, context, request);
  }
  std::unique_ptr<AsyncUnaryCall> PrepareUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                                   const google::protobuf::MessageLite& request,
                                                   google::protobuf::MessageLite& response) override {
    return Choose().PrepareUnaryCall(method, context, request, response);
  }
  std::unique_ptr<AsyncClientStream> StartStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                        const google::protobuf::MessageLite* request) override {
    return Choose().StartStreamingCall(method, context, request);
  }
  StartQueue& starts() override { return seqpacket_->starts(); }

 private:
  // For a call.
  ClientTransport& Choose();

  const std::unique_ptr<SeqpacketTransport> seqpacket_;
  const std::unique_ptr<ClientTransport> grpc_;
  std::atomic<Deadline::Clock::rep> next_try_{0};  // ticks of Deadline::Clock; of the last time that it was not offered
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_AUTO_TRANSPORT_H_
