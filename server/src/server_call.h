#ifndef UDSRPC_SERVER_SERVER_CALL_H_
#define UDSRPC_SERVER_SERVER_CALL_H_

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/server_context.h"
#include "udsrpc/server_stream.h"

namespace udsrpc {

// A call under way as its transport holds it; dispatch works on this alone. Asynchronous at heart: Finish may come
// from any thread, long after the dispatching thread went on.
class ServerCall {
 public:
  virtual ~ServerCall() = default;

  virtual ServerContext& context() = 0;
  // That of the context, which before the handler runs may still be changed.
  virtual Metadata& client_metadata() = 0;

  // Parses the one request of a unary or server-streaming call. False: its bytes are no such message.
  virtual bool ParseRequest(google::protobuf::MessageLite& request) = 0;

  // The messages of a streaming call; of a server-streaming one, those that it writes. Until Finish.
  virtual ServerStream& stream() = 0;

  // Ends the call, exactly once. `response` is sent where `status` is OK and not kept; it is null otherwise, and for
  // methods that write a stream. The call may be gone when this returns.
  virtual void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_CALL_H_
