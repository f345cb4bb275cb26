#ifndef UDSRPC_CLIENT_COMPLETION_TURN_H_
#define UDSRPC_CLIENT_COMPLETION_TURN_H_

#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// That a thread runs a completion of an asynchronous call at the moment: whoever destroys the call, or forgets the
// operation, waits until it has returned, unless that is the same thread. Guarded by the call's mutex, which is free
// while the completion runs. `Kind` tells the operations of a call apart.
template <typename Kind>
class CompletionTurn {
 public:
  // The calling thread is about to run a completion. `gone`, which may be null, is set where the call is destroyed
  // meanwhile.
  void Enter(std::optional<Kind> kind, bool* gone) {
    kind_ = kind;
    gone_ = gone;
    thread_ = std::this_thread::get_id();
  }
  // It has returned, and the call is still there.
  void Leave() {
    gone_ = nullptr;
    thread_ = std::thread::id();
    left_.SignalAll();
  }

  // Blocks while another thread runs one of that kind, or any where there is no kind.
  void AwaitOthers(internal::Mutex& mutex, std::optional<Kind> kind = std::nullopt)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    while (thread_ != std::thread::id() && thread_ != std::this_thread::get_id() && (!kind || kind == kind_)) {
      left_.Wait(mutex);
    }
  }
  // For the destructor, behind AwaitOthers.
  void MarkGone() {
    if (gone_ != nullptr) *gone_ = true;
  }

 private:
  std::optional<Kind> kind_;
  bool* gone_ = nullptr;
  std::thread::id thread_;  // none: no completion runs
  internal::RareCondVar left_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_COMPLETION_TURN_H_
