#ifndef UDSRPC_SERVER_SERVER_CALL_H_
#define UDSRPC_SERVER_SERVER_CALL_H_

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/server_context.h"

namespace udsrpc {

// A call under way as its transport holds it; dispatch works on this alone. Asynchronous at heart: Finish may come
// from any thread, long after the dispatching thread went on.
class ServerCall {
 public:
  virtual ~ServerCall() = default;

  virtual ServerContext& context() = 0;

  // Parses the request of a unary call. False: its bytes are no such message.
  virtual bool ParseRequest(google::protobuf::MessageLite& request) = 0;

  // Ends the call, exactly once. `response` is sent where `status` is OK, not kept, and null otherwise. The call may
  // be gone when this returns.
  virtual void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_CALL_H_
