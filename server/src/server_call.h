#ifndef UDSRPC_SERVER_SERVER_CALL_H_
#define UDSRPC_SERVER_SERVER_CALL_H_

#include <memory>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/async_server_stream.h"
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

  // The same for a coroutine. Ends with the call, and may be used as long as it is shared.
  virtual std::shared_ptr<AsyncServerStream> async_stream() = 0;

  // What a handler works on, and that it may leave behind.
  class Handling {
   public:
    virtual ~Handling() = default;
  };
  // The handler is a coroutine and about to begin: the call goes on beyond Dispatch, until it has been finished.
  // `handling` is destroyed then. Once.
  virtual void Keep(std::unique_ptr<Handling> handling) = 0;

  // Ends the call, exactly once. `response` is sent where `status` is OK; it is null otherwise, and for methods that
  // write a stream. It need not outlive this, but where the call was kept: then it lives as long as what Keep was
  // given, and this does not block. The call may be gone when it returns.
  virtual void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SERVER_CALL_H_
