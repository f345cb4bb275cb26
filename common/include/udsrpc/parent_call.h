#ifndef UDSRPC_PARENT_CALL_H_
#define UDSRPC_PARENT_CALL_H_

#include "absl/time/time.h"
#include "udsrpc/cancellation.h"

namespace udsrpc {

// What a call that is being served hands on to the calls that its handler makes: by when it has to be over, and that it
// was cancelled. A ServerContext is one; ClientContext::FromServerContext takes it.
class ParentCall {
 public:
  ParentCall(const ParentCall&) = delete;
  ParentCall& operator=(const ParentCall&) = delete;

  // By when the client wants its answer, by this host's clock; InfiniteFuture where it set no deadline.
  absl::Time deadline() const { return deadline_; }

  // Where those who want to hear of the call's cancellation ask for it. Thread-safe.
  Cancellation& cancellation() const { return cancellation_; }

 protected:
  ParentCall() = default;
  ~ParentCall() = default;

  absl::Time deadline_ = absl::InfiniteFuture();

 private:
  mutable Cancellation cancellation_;
};

}  // namespace udsrpc

#endif  // UDSRPC_PARENT_CALL_H_
