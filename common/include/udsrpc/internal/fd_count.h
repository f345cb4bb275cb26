#ifndef UDSRPC_INTERNAL_FD_COUNT_H_
#define UDSRPC_INTERNAL_FD_COUNT_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace udsrpc::internal {

// How many descriptors have come that nobody has taken, and how many may have: of a connection, and where there is a
// bound for that, of all connections of its user. Thread-safe.
class FdCount {
 public:
  explicit FdCount(size_t most, std::shared_ptr<FdCount> within = nullptr) : most_(most), within_(std::move(within)) {}

  // False: that would be too many, and they do not count.
  bool Add(size_t fds) {
    if (count_.fetch_add(fds, std::memory_order_relaxed) + fds <= most_ && (within_ == nullptr || within_->Add(fds))) {
      return true;
    }
    count_.fetch_sub(fds, std::memory_order_relaxed);
    return false;
  }
  void Remove(size_t fds) {
    count_.fetch_sub(fds, std::memory_order_relaxed);
    if (within_ != nullptr) within_->Remove(fds);
  }

  size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  const size_t most_;
  const std::shared_ptr<FdCount> within_;
  std::atomic<size_t> count_{0};
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_FD_COUNT_H_
