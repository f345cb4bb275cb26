#ifndef UDSRPC_CLIENT_SEQPACKET_CALL_H_
#define UDSRPC_CLIENT_SEQPACKET_CALL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/src/active_call.h"
#include "common/src/deadline.h"
#include "common/src/deadline_heap.h"
#include "common/src/stream/credit.h"
#include "common/src/stream/inbound_messages.h"
#include "common/src/wire/limits.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/method.h"

namespace udsrpc {

class SeqpacketConnection;

// A thread that waits for a call on a seqpacket connection. Lives on that thread's stack.
struct Waiter {
  internal::CondVar wake;
};

// Of a call that no thread waits for: is told, by its connection's own thread and without a lock, that something about
// the call has changed. Not again before it has returned.
class CallWatcher {
 public:
  virtual ~CallWatcher() = default;
  virtual void OnChange() = 0;
  // The same, as the last that it is told: the call has ended and left its connection, which has forgotten it.
  virtual void OnLeft() = 0;
};

// A call on a seqpacket connection, as all of its faces have it: unary and stream, waited for and watched.
//
//   new -> open -> [claimed ->] ended
//
// While it is open, the connection's reader may claim it for a STATUS that came, or its own threads may end it
// (deadline, cancellation, an error of its own); whoever is first. Only the claimer touches `response` and the results
// in `context` from then until the call has ended. What is behind `response` is guarded by the connection's mutex.
struct SeqpacketCall final : public ActiveCall {
  SeqpacketCall(const MethodDescriptor& method, ClientContext& context, Deadline deadline, size_t max_message_bytes)
      : path(method.path), kind(method.kind), context(context), deadline(deadline), inbound(max_message_bytes) {}

  void OnCancel() override;

  const absl::string_view path;
  const MethodKind kind;
  ClientContext& context;
  const Deadline deadline;
  SeqpacketConnection* connection = nullptr;          // set before ActiveCall::Attach
  google::protobuf::MessageLite* response = nullptr;  // of a unary call; null: messages go to `inbound`

  enum class State { kNew, kOpen, kClaimed, kEnded };
  State state = State::kNew;
  bool cancelled = false;
  bool unserved = false;  // no handler has run for it, and none will
  bool half_closed = false;
  bool initial_metadata_known = false;
  uint32_t id = 0;
  uint64_t end_in_queue = 0;  // PacketQueue::bytes_appended behind its CALL frame
  absl::Status status;
  SendCredit credit{wire::kInitialCallCredit};
  InboundMessages inbound;
  absl::InlinedVector<Waiter*, 2> waiters;
  CallWatcher* watcher = nullptr;  // constant while the call is on its connection
  bool to_be_told = false;         // the watcher, and soon
  size_t place_to_tell = 0;        // then, of those who are
  size_t place_told = 0;           // of those who are being told, where it is one
  // Where it waits for room to be opened, if it does.
  std::optional<std::list<SeqpacketCall*>::iterator> place_to_open;
  bool waits_for_hello = false;  // its watcher, to send descriptors
  bool leaves_at_end = false;    // its watcher has nothing to ask for then: see SeqpacketConnection::LeavesNow
  DeadlineHeapPlace place_by_deadline;
  bool watched = false;       // counted by the connection, from OpenWatched until it has ended
  bool needs_thread = false;  // likewise, until its watcher is forgotten

  // What was fetched for it is not wanted any more. Read without the mutex.
  std::atomic<bool> ended_here{false};
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_CALL_H_
