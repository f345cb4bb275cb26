#ifndef UDSRPC_CLIENT_CLIENT_TRANSPORT_H_
#define UDSRPC_CLIENT_CLIENT_TRANSPORT_H_

#include <memory>

#include "absl/status/status.h"
#include "client/src/start_queue.h"
#include "udsrpc/async_call.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/method.h"

namespace udsrpc {

// What a Channel hands its calls to: one way to one endpoint, which connects and reconnects by itself. Thread-safe.
class ClientTransport {
 public:
  // No call is under way then.
  virtual ~ClientTransport() = default;

  // See Channel. The context has been claimed for this call and neither cancelled nor expired when it was.
  virtual absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                 const google::protobuf::MessageLite& request,
                                 google::protobuf::MessageLite& response) = 0;

  // As UnaryCall. Blocks as far as connecting does. The transport outlives the stream.
  virtual std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                      const google::protobuf::MessageLite* request) = 0;

  // The same for calls that no thread waits for. Do not block.
  virtual std::unique_ptr<AsyncUnaryCall> PrepareUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                                           const google::protobuf::MessageLite& request,
                                                           google::protobuf::MessageLite& response) = 0;
  virtual std::unique_ptr<AsyncClientStream> StartStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                                const google::protobuf::MessageLite* request) = 0;
  // What tells those that fail before the transport has them.
  virtual StartQueue& starts() = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_CLIENT_TRANSPORT_H_
