#ifndef UDSRPC_PARENT_CALL_H_
#define UDSRPC_PARENT_CALL_H_

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "udsrpc/cancellation.h"
#include "udsrpc/metadata.h"

namespace udsrpc {

// What a call that is being served hands on to the calls that its handler makes: by when it has to be over, that it was
// cancelled, and which trace it belongs to. A ServerContext is one; ClientContext::FromServerContext takes it.
class ParentCall {
 public:
  ParentCall(const ParentCall&) = delete;
  ParentCall& operator=(const ParentCall&) = delete;

  // By when the client wants its answer, by this host's clock; InfiniteFuture where it set no deadline.
  absl::Time deadline() const {
    if (steady_deadline_ == std::chrono::steady_clock::time_point::max()) return deadline_;
    return absl::Now() + absl::FromChrono(steady_deadline_ - std::chrono::steady_clock::now());
  }

  // What came with it, of which the calls that its handler makes take the trace along.
  const Metadata& received_metadata() const { return received_metadata_; }

  // Where those who want to hear of the call's cancellation ask for it. Thread-safe.
  Cancellation& cancellation() const { return cancellation_; }

 protected:
  // `received` must live as long.
  explicit ParentCall(const Metadata& received) : received_metadata_(received) {}
  ~ParentCall() = default;

  // The one that the transport knows.
  absl::Time deadline_ = absl::InfiniteFuture();
  std::chrono::steady_clock::time_point steady_deadline_ = std::chrono::steady_clock::time_point::max();

 private:
  const Metadata& received_metadata_;
  mutable Cancellation cancellation_;
};

}  // namespace udsrpc

#endif  // UDSRPC_PARENT_CALL_H_
