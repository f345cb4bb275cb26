#ifndef UDSRPC_SERVER_CONTEXT_H_
#define UDSRPC_SERVER_CONTEXT_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "udsrpc/internal/call_fds.h"
#include "udsrpc/metadata.h"
#include "udsrpc/parent_call.h"
#include "udsrpc/peer.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

// What a handler knows of its call beside the messages. Made by the server and passed to the handler; it and what it
// returns views of are valid until the handler has ended: has returned, or its coroutine has. What is about
// cancellation is thread-safe; everything else is used by one thread at a time. Derived from by udsrpc only: functions
// are added without notice.
class ServerContext : public ParentCall {
 public:
  virtual ~ServerContext() = default;

  // "/package.Service/Method".
  virtual absl::string_view method() const = 0;

  // Who calls, by the kernel's word: the process that made the connection.
  virtual const Peer& peer() const = 0;

  // What the client sent. Reserved keys are left out.
  const Metadata& client_metadata() const { return client_metadata_; }

  // True once nobody waits for the answer: the deadline has passed, the client cancelled the call or is gone, or the
  // server's shutdown has come to its own deadline. What the handler returns then is dropped. Cheap enough to poll.
  virtual bool IsCancelled() const = 0;

  // Has `callback` run once IsCancelled() turns true: by a thread of the server, which it must not block (over gRPC the
  // handler's own, where that waits in its stream), or by the calling thread where it is true already. Does not run
  // once the handler has ended; a handler that ends while it runs waits for it. Callbacks run in the order of their
  // adding.
  virtual void AddCancelCallback(Cancellation::Callback callback) { cancellation().Subscribe(std::move(callback)); }

  // Metadata to send before the first message, and with the status. INVALID_ARGUMENT where Metadata's rules forbid it.
  // Initial metadata that is added once the first message, or SendInitialMetadata, has sent it is dropped.
  absl::Status AddInitialMetadata(absl::string_view key, absl::string_view value) {
    return initial_metadata_.Add(key, value);
  }
  absl::Status AddTrailingMetadata(absl::string_view key, absl::string_view value) {
    return trailing_metadata_.Add(key, value);
  }
  const Metadata& initial_metadata() const { return initial_metadata_; }
  const Metadata& trailing_metadata() const { return trailing_metadata_; }

  // The descriptors that came with the request of a unary or server-streaming call: the caller's from now on, and
  // close-on-exec; those that are not taken are closed with the context. Empty where there are none. See
  // ServerOptions::max_receive_fds.
  std::vector<UniqueFd> TakeFds() { return internal::CallFds::Take(fds_); }

  // Sends `fd` with the response of a unary or client-streaming call, behind those attached before. The client gets a
  // duplicate; this one is closed once it is sent, or with the context where the call ends otherwise. OK becomes
  // FAILED_PRECONDITION: the client accepts none (ChannelOptions::max_receive_fds), the transport is gRPC (see
  //   Peer::transport), or the method's responses are a stream, whose Write takes them.
  // RESOURCE_EXHAUSTED: they are more than the client accepts with a message, or the kernel takes no more of them.
  // INVALID_ARGUMENT: one is not valid.
  void AttachFd(UniqueFd fd) { internal::CallFds::Attach(fds_, std::move(fd)); }

 protected:
  ServerContext() : ParentCall(client_metadata_) {}

  Metadata client_metadata_;
  std::unique_ptr<internal::CallFds> fds_;  // null: none

 private:
  Metadata initial_metadata_;
  Metadata trailing_metadata_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_CONTEXT_H_
