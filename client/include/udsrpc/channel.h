#ifndef UDSRPC_CHANNEL_H_
#define UDSRPC_CHANNEL_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/endpoint.h"
#include "udsrpc/method.h"
#include "udsrpc/transport.h"

namespace udsrpc {

class ClientTransport;

struct ChannelOptions {
  Transport transport = Transport::kGrpc;

  // The largest reply accepted, in bytes of its encoding; a larger one fails its call with RESOURCE_EXHAUSTED.
  // Default: gRPC's.
  size_t max_receive_message_bytes = 4 << 20;

  // The most metadata accepted from the server for one call, by Metadata::ByteSize. Default: gRPC's.
  size_t max_metadata_bytes = 8 << 10;
};

// A way to one endpoint. It connects at the first call that needs it, and again at the next call after the connection
// was lost; calls under way when that happens end with UNAVAILABLE.
//
// Thread-safe: any number of threads may call through one channel at a time. Made by CreateChannel and shared: a stub
// keeps its channel alive. Destroy it when no call is under way.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(Endpoint endpoint, Transport transport, std::unique_ptr<ClientTransport> carrier);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  Transport transport() const { return transport_; }

  // The two below are what generated stubs call.

  // Blocks the calling thread, which itself does the sending and receiving, until the call has ended. `response` is
  // unspecified unless OK is returned. The statuses are those of docs/STATUS_CODES.md.
  absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                         const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response);

  // Never blocks. Where the call cannot start, the stream says so at Finish. `request` is the only message that a
  // server-streaming call sends, and null for the other kinds; it is not kept.
  std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                              const google::protobuf::MessageLite* request);

 private:
  const Endpoint endpoint_;
  const Transport transport_;
  const std::unique_ptr<ClientTransport> carrier_;
};

// A channel to `target`, see Endpoint. Connects to nothing yet, so it does not block.
// INVALID_ARGUMENT: `target` is no endpoint, or its path is too long for the seqpacket socket beside it.
// UNIMPLEMENTED: the transport is not linked into this program.
absl::StatusOr<std::shared_ptr<Channel>> CreateChannel(absl::string_view target, const ChannelOptions& options = {});

}  // namespace udsrpc

#endif  // UDSRPC_CHANNEL_H_
