#ifndef UDSRPC_TESTS_PARITY_TRACED_CLIENT_H_
#define UDSRPC_TESTS_PARITY_TRACED_CLIENT_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "tests/parity/client_call.h"
#include "tests/parity/trace.h"

namespace udsrpc::parity {

// Who chose the words of a status. The library's own differ, and are left out of traces.
enum class MadeBy { kApplication, kLibrary };

// A client's call whose results go to a trace: those of writes to a track of their own, as another thread may write.
class TracedClient {
 public:
  TracedClient(std::unique_ptr<ClientCall> call, MethodKind kind, Trace& trace, const std::string& track)
      : call_(std::move(call)), kind_(kind), trace_(trace), track_(track) {}
  TracedClient(const TracedClient&) = delete;
  TracedClient& operator=(const TracedClient&) = delete;

  void Start(const std::string& request = "");
  void Start(const Note& request);
  // The body of the message that came.
  std::optional<std::string> Read();
  // Until there is no more.
  void ReadAll();
  bool Write(const std::string& body);
  bool Write(const Note& note);
  bool WriteLast(const std::string& body);
  bool WritesDone();
  // Shows what came.
  void WaitForInitialMetadata();
  // Shows metadata and reply too.
  absl::StatusCode Finish(MadeBy made_by = MadeBy::kApplication);
  void Cancel();
  // Destroys stream and context.
  void Abandon();

  // Start and Finish of a unary call.
  absl::StatusCode Call(const std::string& request, MadeBy made_by = MadeBy::kApplication);

  // Writes until a write fails. How many succeed before that depends on buffers, and is not shown.
  void WriteUntilFalse(const std::string& body);
  // Blocks until WriteUntilFalse, which another thread is in, has written nothing for a tenth of a second.
  void AwaitStall() const;

  // The call itself, for operations whose results are left open.
  ClientCall& untraced() { return *call_; }

 private:
  void Add(const std::string& line) { trace_.Add(track_, line); }
  void AddWrite(const std::string& line) { trace_.Add(track_ + " writes", line); }

  std::unique_ptr<ClientCall> call_;
  const MethodKind kind_;
  Trace& trace_;
  const std::string track_;
  std::atomic<int> written_{0};
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_TRACED_CLIENT_H_
