#ifndef UDSRPC_INTERNAL_PROCESS_BOUND_H_
#define UDSRPC_INTERNAL_PROCESS_BOUND_H_

#include <memory>
#include <utility>

#include "udsrpc/internal/process_mark.h"

namespace udsrpc::internal {

// Keeps `object`, which a child of fork(2) must not touch, where it can be reached.
void Abandon(const void* object);

// Owns something of the process that made it. In a child of fork(2) T::Elsewhere() stands in for it, and it is not
// destroyed.
template <typename T>
class ProcessBound {
 public:
  ProcessBound() = default;
  explicit ProcessBound(std::unique_ptr<T> owned) : owned_(std::move(owned)) {}
  ProcessBound(ProcessBound&& other) noexcept = default;
  ProcessBound& operator=(ProcessBound&& other) noexcept {
    std::swap(owned_, other.owned_);
    std::swap(mark_, other.mark_);
    return *this;
  }
  ~ProcessBound() {
    if (owned_ != nullptr && mark_.elsewhere()) Abandon(owned_.release());
  }

  T& operator*() const { return mark_.elsewhere() ? T::Elsewhere() : *owned_; }
  T* operator->() const { return &**this; }

 private:
  std::unique_ptr<T> owned_;
  ProcessMark mark_;
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_PROCESS_BOUND_H_
