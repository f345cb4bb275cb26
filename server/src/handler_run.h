#ifndef UDSRPC_SERVER_HANDLER_RUN_H_
#define UDSRPC_SERVER_HANDLER_RUN_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "server/src/dispatch.h"
#include "server/src/intercepted_call.h"
#include "server/src/reused_message.h"
#include "server/src/server_call.h"
#include "udsrpc/service.h"
#include "udsrpc/spawn.h"
#include "udsrpc/task.h"

namespace udsrpc {

// One call's way through its handler: its messages, its interceptors and, where the handler is a coroutine, that.
//
// A handler that is none runs from Begin, and its thread uses the object again for the next call, so that a call
// allocates none of this, nor, as a rule, of its messages. One that is a coroutine takes the object along.
class HandlerRun final : public ServerCall::Handling {
 public:
  // See Dispatch.
  static void Begin(const MethodTable& table, const ServerMethod& method, ServerCall& call);

  HandlerRun() = default;
  HandlerRun(const HandlerRun&) = delete;
  HandlerRun& operator=(const HandlerRun&) = delete;

 private:
  using Message = google::protobuf::MessageLite;

  // Up to where the handler may run. OK, or what the call is to be finished with.
  absl::Status Prepare(const MethodTable& table, const ServerMethod& method, ServerCall& call);
  // No task: the handler is no coroutine.
  Task<absl::Status> MakeTask();
  absl::Status RunHandler();
  absl::Status Catch() const;
  // Of a run that is kept. Does not touch it any more once it has finished the call.
  internal::Root RunCoroutine(Task<absl::Status> task);
  void Finish(const absl::Status& status) { call_->Finish(status, status.ok() ? response_ : nullptr); }
  // Makes it fit for another call.
  void Clear();

  ReusedMessage reused_request_;
  ReusedMessage reused_response_;
  std::optional<InterceptedServerCall> intercepted_;
  const ServerMethod* method_ = nullptr;
  ServerCall* call_ = nullptr;   // as the handler sees it
  Message* request_ = nullptr;   // of reused_request_, or null
  Message* response_ = nullptr;  // of reused_response_, or null
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_HANDLER_RUN_H_
