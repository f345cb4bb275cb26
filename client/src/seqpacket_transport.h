#ifndef UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_
#define UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "client/src/client_transport.h"
#include "client/src/seqpacket_connection.h"
#include "common/src/deadline.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/channel.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/internal/mutex.h"

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

  // As UnaryCall. `*offered` is false where the server has no seqpacket socket; then no handler has run for the call,
  // and it can be made over another transport.
  absl::Status UnaryCallIfOffered(const MethodDescriptor& method, ClientContext& context,
                                  const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response,
                                  bool* offered);

 private:
  SeqpacketTransport(SocketAddress address, std::string name, SeqpacketConnection::Limits limits)
      : address_(std::move(address)), name_(std::move(name)), limits_(limits) {}

  // The connection, made where there is none; of several callers one makes it and the others wait for it.
  // UNAVAILABLE: see ConnectSocket, whose errno is in `*error`. DEADLINE_EXCEEDED: no connection by then.
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> Connection(const Deadline& deadline, int* error);
  absl::StatusOr<std::shared_ptr<SeqpacketConnection>> Connect(const Deadline& deadline, int* error);
  void Forget(const SeqpacketConnection* connection);

  const SocketAddress address_;
  const std::string name_;
  const SeqpacketConnection::Limits limits_;

  internal::Mutex mutex_;
  internal::CondVar connected_;
  bool connecting_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<SeqpacketConnection> connection_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_TRANSPORT_H_
