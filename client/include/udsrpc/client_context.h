#ifndef UDSRPC_CLIENT_CONTEXT_H_
#define UDSRPC_CLIENT_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/internal/call_sizes.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/internal/process_mark.h"
#include "udsrpc/metadata.h"
#include "udsrpc/parent_call.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

class ActiveCall;

// What one call carries beside its messages: deadline, metadata both ways, cancellation.
//
// Serves one call: a second call with the same context fails with FAILED_PRECONDITION. Must outlive the call;
// destroying it while the call is under way ends the program with a message. Settings are made before the call and
// results read after it, by one thread at a time; Cancel() alone may be called at any time by any thread.
class ClientContext {
 public:
  ClientContext() = default;
  ~ClientContext();

  // A context for a call that a handler makes on behalf of the call that it serves: it is cancelled with that one, its
  // deadline is not later, and it belongs to the same trace: the metadata `traceparent` and `tracestate` (W3C Trace
  // Context) that came with that one is sent as it came, unless this context has a `traceparent` of its own when its
  // call starts. `parent`, a ServerContext, must outlive it.
  static std::unique_ptr<ClientContext> FromServerContext(const ParentCall& parent);

  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // The call ends with DEADLINE_EXCEEDED when it has not ended by then, on the client at once and on the server as
  // well. Default: never, or the parent's. A timeout counts from the start of the call; a deadline in the past, like a
  // timeout of zero or less, fails the call before anything is sent. The last call of the two setters wins.
  void set_deadline(absl::Time deadline);
  void set_timeout(absl::Duration timeout);

  // By when the call has to end, or InfiniteFuture. Before the call, a timeout counts as if it started now.
  absl::Time deadline() const;

  // Whether the call waits, to its deadline, where nobody listens at the endpoint yet or the server accepts no
  // connections, instead of failing with UNAVAILABLE at once. What waiting would not mend, such as a missing
  // permission, fails at once all the same. Default: false.
  void set_wait_for_ready(bool wait_for_ready) { wait_for_ready_ = wait_for_ready; }
  bool wait_for_ready() const { return wait_for_ready_; }

  // Metadata sent with the request. INVALID_ARGUMENT where Metadata's rules forbid it; the call is unchanged then.
  absl::Status AddMetadata(absl::string_view key, absl::string_view value) { return metadata_.Add(key, value); }
  const Metadata& metadata() const { return metadata_; }

  // What the server sent before its first message and with its status. Valid once the call has ended (for a stream, the
  // initial metadata once the first Read or WaitForInitialMetadata has given its result); empty where the server sent
  // none or was never reached.
  const Metadata& server_initial_metadata() const { return server_initial_metadata_; }
  const Metadata& server_trailing_metadata() const { return server_trailing_metadata_; }

  // Over seqpacket, to a server that accepts descriptors (ServerOptions::max_receive_fds): sends `fd` with the request
  // of a unary or server-streaming call, behind those attached before. The server gets a duplicate; this one is closed
  // when the call has ended, or when a stream has begun. Such a call may have to wait for the server to say that it
  // accepts them. It fails, before anything of it is sent, with
  // FAILED_PRECONDITION: the server accepts none, the transport is gRPC, or the method's requests are a stream, whose
  //   Write takes them.
  // RESOURCE_EXHAUSTED: they are more than the server accepts with a message.
  // INVALID_ARGUMENT: one is not valid.
  // Where the kernel takes them no more (too many of this user's are on their way, RLIMIT_NOFILE; or one was closed
  // elsewhere) it ends with RESOURCE_EXHAUSTED.
  void AttachFd(UniqueFd fd) { internal::CallFds::Attach(fds_, std::move(fd)); }

  // The descriptors that came with the response of a unary or client-streaming call, once that has ended. See
  // ChannelOptions::max_receive_fds. The caller's from now on, close-on-exec; those that are not taken are closed with
  // the context. Empty where there are none.
  std::vector<UniqueFd> TakeFds() { return internal::CallFds::Take(fds_); }

  // Ends the call with CANCELLED and tells the server, unless the call has ended. Before the call: it will not start.
  // Thread-safe; never blocks for longer than a lock that is held briefly. TryCancel is gRPC's name for it.
  void Cancel();
  void TryCancel() { Cancel(); }

 private:
  friend class ActiveCall;

  void InheritTrace();

  Metadata metadata_;
  Metadata server_initial_metadata_;
  Metadata server_trailing_metadata_;
  std::unique_ptr<internal::CallFds> fds_;  // null: none
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Duration timeout_ = absl::InfiniteDuration();
  uint64_t started_ = 0;  // by TickClock: when the call did, and the timeout began to count; 0: it has not
  internal::CallSizes sizes_;
  bool wait_for_ready_ = false;
  const ParentCall* parent_ = nullptr;
  Cancellation::Subscription subscription_ = 0;

  const internal::ProcessMark process_;

  // The ActiveCall under way, and ActiveCall's flags in the bits that its alignment leaves.
  std::atomic<uintptr_t> state_{0};
  internal::Mutex cancelling_;  // held by Cancel
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_CONTEXT_H_
