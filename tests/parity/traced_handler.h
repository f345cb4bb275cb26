#ifndef UDSRPC_TESTS_PARITY_TRACED_HANDLER_H_
#define UDSRPC_TESTS_PARITY_TRACED_HANDLER_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tests/parity/server_call.h"
#include "tests/parity/trace.h"

namespace udsrpc::parity {

// A server's call whose results go to a trace, writes to a track of their own. The trace begins with the request and
// the client's metadata.
class TracedHandler {
 public:
  TracedHandler(ServerCall& call, Trace& trace, const std::string& track);

  const std::string& request() const { return call_.request().body(); }
  void Reply(const std::string& body);
  void Reply(const Note& note) { call_.SetReply(note); }
  std::optional<std::string> Read();
  void ReadAll();
  bool Write(const std::string& body);
  bool Write(const Note& note);
  // How many writes succeed before that is not shown.
  void WriteUntilFalse(const std::string& body);
  void SendInitialMetadata() { call_.SendInitialMetadata(); }
  void AddInitialMetadata(const std::string& key, const std::string& value);
  void AddTrailingMetadata(const std::string& key, const std::string& value);

  // Shows whether there is a deadline, and whether it is as far away as `timeout`, but for a fifth.
  void ShowDeadline(absl::Duration timeout);
  void ShowCancelled();
  void AwaitCancelled();

  ServerCall& untraced() { return call_; }

 private:
  void Add(const std::string& line) { trace_.Add(track_, line); }
  void AddWrite(const std::string& line) { trace_.Add(track_ + " writes", line); }

  ServerCall& call_;
  Trace& trace_;
  const std::string track_;
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_TRACED_HANDLER_H_
