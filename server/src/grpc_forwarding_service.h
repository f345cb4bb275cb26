#ifndef UDSRPC_SERVER_GRPC_FORWARDING_SERVICE_H_
#define UDSRPC_SERVER_GRPC_FORWARDING_SERVICE_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "server/src/grpc_forwarded_call.h"
#include "udsrpc/proto/opaque_message.pb.h"
#include "udsrpc/service.h"

namespace udsrpc {

// A service of gRPC's as one of ours: its methods hand their calls on.
class GrpcForwardingService final : public Service {
 public:
  // `token` proves to handlers that their peer is the one that we say. What is referred to must outlive this.
  GrpcForwardingService(const google::protobuf::ServiceDescriptor& descriptor, GrpcForwardingTarget& target,
                        const std::string& token);

 private:
  using Message = internal::OpaqueMessage;

  // Not called: the coroutines serve.
  absl::Status Unary(ServerContext& context, const Message& request, Message& response);
  absl::Status ServerStream(ServerContext& context, const Message& request, ServerWriter<Message>& writer);
  absl::Status ClientStream(ServerContext& context, ServerReader<Message>& reader, Message& response);
  absl::Status Bidi(ServerContext& context, ServerReaderWriter<Message, Message>& stream);

  Task<absl::Status> UnaryAsync(ServerContext& context, const Message& request, Message& response);
  Task<absl::Status> ServerStreamAsync(ServerContext& context, const Message& request,
                                       AsyncServerWriter<Message> writer);
  Task<absl::Status> ClientStreamAsync(ServerContext& context, AsyncServerReader<Message> reader, Message& response);
  Task<absl::Status> BidiAsync(ServerContext& context, AsyncServerReaderWriter<Message, Message> stream);

  void Add(const google::protobuf::MethodDescriptor& method);

  GrpcForwardingTarget& target_;
  const std::string& token_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_FORWARDING_SERVICE_H_
