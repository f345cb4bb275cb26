#ifndef UDSRPC_TESTS_PARITY_RUN_H_
#define UDSRPC_TESTS_PARITY_RUN_H_

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "tests/parity/stack.h"
#include "tests/parity/trace.h"
#include "tests/parity/traced_client.h"
#include "tests/parity/traced_handler.h"
#include "tests/support/event.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::parity {

inline Outcome Ok() { return {}; }
inline Outcome Fail(absl::StatusCode code, const std::string& message, const Entries& payloads = {}) {
  return {code, message, payloads};
}

// One run of a scenario on one stack: the scenario says what client and handlers do, and the run keeps what they saw.
class Run {
 public:
  using Handler = std::function<Outcome(TracedHandler&)>;

  explicit Run(Stack& stack) : stack_(stack) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Starts a server that does this with each call. Handlers are numbered in the order in which they begin.
  void Serve(Handler handler);
  void ServeWithoutReplies() { stack_.StartServerWithoutReplies(); }
  TracedClient Call(const CallOptions& options = {});
  void Shutdown(absl::Duration grace) { stack_.ShutdownServer(grace); }

  // What orders the two sides, by names of the scenario's own.
  void Happen(const std::string& event) { Find(event).Happen(); }
  // Blocks for at most 20 s; the test fails then.
  void Await(const std::string& event, int times = 1);

  // Lets the handlers return. To be called when the scenario's calls are destroyed.
  void End() { Shutdown(absl::Seconds(20)); }
  std::string ClientText() const { return client_.Text(); }
  std::string ServerText() const { return server_.Text(); }

 private:
  udsrpc::testing::Event& Find(const std::string& event);

  Stack& stack_;
  Trace client_;
  Trace server_;
  int calls_ = 0;
  std::atomic<int> handlers_{0};
  internal::Mutex mutex_;
  std::map<std::string, udsrpc::testing::Event> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_RUN_H_
