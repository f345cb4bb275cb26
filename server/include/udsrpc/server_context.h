#ifndef UDSRPC_SERVER_CONTEXT_H_
#define UDSRPC_SERVER_CONTEXT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "udsrpc/metadata.h"

namespace udsrpc {

// What a handler knows of its call beside the messages. Made by the server and passed to the handler; it and what it
// returns views of are valid until the handler returns. IsCancelled() is thread-safe; everything else is used by one
// thread at a time. Derived from by udsrpc only: functions are added without notice.
class ServerContext {
 public:
  virtual ~ServerContext() = default;
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // "/package.Service/Method".
  virtual absl::string_view method() const = 0;

  // What the client sent. Reserved keys are left out.
  const Metadata& client_metadata() const { return client_metadata_; }

  // By when the client wants its answer, by this host's clock; InfiniteFuture where it set no deadline.
  absl::Time deadline() const { return deadline_; }

  // True once nobody waits for the answer: the deadline has passed, the client cancelled the call or is gone, or the
  // server's shutdown has come to its own deadline. What the handler returns then is dropped. Cheap enough to poll.
  virtual bool IsCancelled() const = 0;

  // Metadata to send before the first message, and with the status. INVALID_ARGUMENT where Metadata's rules forbid it.
  absl::Status AddInitialMetadata(absl::string_view key, absl::string_view value) {
    return initial_metadata_.Add(key, value);
  }
  absl::Status AddTrailingMetadata(absl::string_view key, absl::string_view value) {
    return trailing_metadata_.Add(key, value);
  }
  const Metadata& initial_metadata() const { return initial_metadata_; }
  const Metadata& trailing_metadata() const { return trailing_metadata_; }

 protected:
  ServerContext() = default;

  Metadata client_metadata_;
  absl::Time deadline_ = absl::InfiniteFuture();

 private:
  Metadata initial_metadata_;
  Metadata trailing_metadata_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_CONTEXT_H_
