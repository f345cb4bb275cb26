#ifndef UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_
#define UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_

#include <memory>

#include "client/src/client_transport.h"
#include "client/src/dialer.h"
#include "client/src/seqpacket_async_call.h"
#include "client/src/seqpacket_connection.h"
#include "client/src/seqpacket_connector.h"
#include "udsrpc/channel.h"

namespace udsrpc {

// Calls over one seqpacket connection at a time, made when a call needs it.
class SeqpacketTransport final : public ClientTransport {
 public:
  SeqpacketTransport(std::unique_ptr<Dialer> dialer, const ChannelOptions& options);

  absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                         const google::protobuf::MessageLite& request,
                         google::protobuf::MessageLite& response) override;

  std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                              const google::protobuf::MessageLite* request) override;

  std::unique_ptr<AsyncUnaryCall> PrepareUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                                   const google::protobuf::MessageLite& request,
                                                   google::protobuf::MessageLite& response) override;
  std::unique_ptr<AsyncClientStream> StartStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                        const google::protobuf::MessageLite* request) override;
  StartQueue& starts() override { return starts_; }

  // Whether the server has a seqpacket socket for us, as far as a look at it tells. Blocks for 20 ms at most.
  bool IsOffered();

 private:
  SeqpacketAsyncCall::Transport ForAsyncCalls() {
    return {.connector = connector_, .starts = starts_, .max_message_bytes = limits_.max_receive_message_bytes};
  }

  const SeqpacketConnection::Limits limits_;
  SeqpacketConnector connector_;
  StartQueue starts_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_
