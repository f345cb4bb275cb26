#ifndef UDSRPC_TESTS_PARITY_SERVER_CALL_H_
#define UDSRPC_TESTS_PARITY_SERVER_CALL_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "parity.pb.h"
#include "tests/parity/outcome.h"

namespace udsrpc::parity {

// A call as a handler sees it: what gRPC's services and ours have in common. One thread may read and another write;
// what is about cancellation is thread-safe.
class ServerCall {
 public:
  virtual ~ServerCall() = default;

  // Of kinds that are sent just one; else an empty one.
  virtual const Note& request() const = 0;
  // Of kinds that send just one.
  virtual void SetReply(const Note& reply) = 0;
  virtual bool Read(Note& note) = 0;
  virtual bool Write(const Note& note) = 0;
  virtual void SendInitialMetadata() = 0;

  // Without what the transport adds.
  virtual Entries client_metadata() const = 0;
  // False: it may not be sent.
  virtual bool AddInitialMetadata(const std::string& key, const std::string& value) = 0;
  virtual bool AddTrailingMetadata(const std::string& key, const std::string& value) = 0;

  // InfiniteFuture: none.
  virtual absl::Time deadline() const = 0;
  virtual bool IsCancelled() const = 0;
  // Blocks until IsCancelled, for at most 20 s. Whether it is.
  virtual bool AwaitCancelled() = 0;
};

// What the server does with each call, of whatever kind. Run by many threads at once.
using Script = std::function<Outcome(ServerCall&)>;

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_SERVER_CALL_H_
