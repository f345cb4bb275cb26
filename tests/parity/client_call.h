#ifndef UDSRPC_TESTS_PARITY_CLIENT_CALL_H_
#define UDSRPC_TESTS_PARITY_CLIENT_CALL_H_

#include "absl/time/time.h"
#include "parity.pb.h"
#include "tests/parity/outcome.h"
#include "udsrpc/method.h"

namespace udsrpc::parity {

// kUnknownMethod: a unary method that Calls has not.
enum class CalledService { kCalls, kUnwritten, kAbsent, kUnknownMethod };
inline constexpr char kUnknownMethod[] = "/udsrpc.parity.Calls/Unknown";

struct CallOptions {
  MethodKind kind = MethodKind::kUnary;
  CalledService service = CalledService::kCalls;
  // InfiniteDuration sets none. The default is there so that nothing waits for ever.
  absl::Duration timeout = absl::Seconds(20);
  // Set in place of the timeout where it is not InfiniteFuture.
  absl::Time deadline = absl::InfiniteFuture();
  Entries metadata = {};
  bool wait_for_ready = false;
};

// A client's call as a program makes it through its stub: what gRPC's stubs and ours have in common. Destroying it
// destroys stream and context, whatever state the call is in. Cancel may be called at any time by any thread; one
// thread may read and another write.
class ClientCall {
 public:
  virtual ~ClientCall() = default;

  // Calls the stub's function; for a unary call, Finish does that. `request` is sent by kinds that send just one.
  virtual void Start(const Note& request) = 0;
  virtual bool Read(Note& note) = 0;
  virtual bool Write(const Note& note, bool last) = 0;
  virtual bool WritesDone() = 0;
  virtual void WaitForInitialMetadata() = 0;
  virtual Outcome Finish() = 0;
  virtual void Cancel() = 0;

  // Of kinds that are sent just one; after an OK Finish.
  virtual const Note& reply() const = 0;
  // Without what the transport adds. The first once Read, WaitForInitialMetadata or Finish has returned, the second
  // after Finish.
  virtual Entries initial_metadata() const = 0;
  virtual Entries trailing_metadata() const = 0;
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_CLIENT_CALL_H_
