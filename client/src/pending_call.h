#ifndef UDSRPC_CLIENT_PENDING_CALL_H_
#define UDSRPC_CLIENT_PENDING_CALL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/src/active_call.h"
#include "common/src/deadline.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

class SeqpacketConnection;

// A unary call on a seqpacket connection, from Start until its status is known. Lives on its caller's stack.
//
// Its life: waiting -> claimed -> done. While it waits, the connection's reader may claim it for a reply that came,
// or its own thread may end it (deadline, cancellation); whoever is first. Only the claimer touches `response` and
// `context` from then until the call is done. All fields behind `deadline` are guarded by the connection's mutex.
struct PendingCall final : public ActiveCall {
  PendingCall(absl::string_view path, ClientContext& context, const google::protobuf::MessageLite& request,
              google::protobuf::MessageLite& response, Deadline deadline)
      : path(path), context(context), request(request), response(response), deadline(deadline) {}

  void OnCancel() override;

  const absl::string_view path;
  ClientContext& context;
  const google::protobuf::MessageLite& request;
  google::protobuf::MessageLite& response;
  const Deadline deadline;

  enum class State { kWaiting, kClaimed, kDone };
  State state = State::kWaiting;
  bool cancelled = false;
  bool unserved = false;  // no handler has run for it, and none will
  bool last = false;      // its connection takes no more calls
  uint32_t id = 0;
  uint64_t end_in_queue = 0;  // PacketQueue::bytes_appended behind its frame
  absl::Status status;
  internal::CondVar wake;
  SeqpacketConnection* connection = nullptr;  // set before ActiveCall::Attach
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_PENDING_CALL_H_
