#ifndef UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_
#define UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/src/client_transport.h"
#include "client/src/seqpacket_connection.h"
#include "client/src/seqpacket_connector.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/channel.h"
#include "udsrpc/endpoint.h"

namespace udsrpc {

// Calls over one seqpacket connection at a time, made when a call needs it.
class SeqpacketTransport final : public ClientTransport {
 public:
  // INVALID_ARGUMENT: the endpoint's seqpacket address is too long.
  static absl::StatusOr<std::unique_ptr<SeqpacketTransport>> Create(const Endpoint& endpoint,
                                                                    const ChannelOptions& options);

  absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                         const google::protobuf::MessageLite& request,
                         google::protobuf::MessageLite& response) override;

  std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                              const google::protobuf::MessageLite* request) override;

  // As UnaryCall. `*offered` is false where the server has no seqpacket socket; then no handler has run for the call,
  // and it can be made over another transport.
  absl::Status UnaryCallIfOffered(const MethodDescriptor& method, ClientContext& context,
                                  const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response,
                                  bool* offered);
  // As StreamingCall, likewise.
  std::unique_ptr<ClientStream> StreamingCallIfOffered(const MethodDescriptor& method, ClientContext& context,
                                                       const google::protobuf::MessageLite* request, bool* offered);

 private:
  SeqpacketTransport(SocketAddress address, std::string name, SeqpacketConnection::Limits limits)
      : limits_(limits), connector_(std::move(address), std::move(name), limits) {}

  const SeqpacketConnection::Limits limits_;
  SeqpacketConnector connector_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_
