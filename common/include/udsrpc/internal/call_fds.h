#ifndef UDSRPC_INTERNAL_CALL_FDS_H_
#define UDSRPC_INTERNAL_CALL_FDS_H_

#include <memory>
#include <utility>
#include <vector>

#include "udsrpc/internal/fd_count.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::internal {

// Descriptors to be sent with a message; null: none. Shared by the call, which may have to be made again, and by the
// packet that they wait in, so that none is closed, and its number used again, before the kernel has it.
using OutgoingFds = std::shared_ptr<const std::vector<UniqueFd>>;

// Descriptors that came with a message. They count against their connection's bound until they are taken or closed.
class IncomingFds {
 public:
  IncomingFds() = default;
  // `untaken`: the connection's, these included.
  IncomingFds(std::vector<UniqueFd> fds, std::shared_ptr<FdCount> untaken)
      : fds_(std::move(fds)), untaken_(std::move(untaken)) {}
  IncomingFds(IncomingFds&& other) noexcept
      : fds_(std::exchange(other.fds_, {})), untaken_(std::exchange(other.untaken_, nullptr)) {}
  IncomingFds& operator=(IncomingFds other) noexcept {
    std::swap(fds_, other.fds_);
    std::swap(untaken_, other.untaken_);
    return *this;
  }
  ~IncomingFds() { Take(); }

  bool empty() const { return fds_.empty(); }
  std::vector<UniqueFd> Take() {
    if (untaken_ != nullptr) untaken_->Remove(fds_.size());
    untaken_ = nullptr;
    return std::exchange(fds_, {});
  }

 private:
  std::vector<UniqueFd> fds_;
  std::shared_ptr<FdCount> untaken_;
};

// What the context of a call holds; most have none of these.
struct CallFds {
  std::shared_ptr<std::vector<UniqueFd>> attached;  // to the one message that the context's side sends; or null
  IncomingFds received;                             // with the one message of the other side

  static void Attach(std::unique_ptr<CallFds>& fds, UniqueFd fd) {
    if (fds == nullptr) fds = std::make_unique<CallFds>();
    if (fds->attached == nullptr) fds->attached = std::make_shared<std::vector<UniqueFd>>();
    fds->attached->push_back(std::move(fd));
  }
  static void Receive(std::unique_ptr<CallFds>& fds, IncomingFds received) {
    if (received.empty()) return;
    if (fds == nullptr) fds = std::make_unique<CallFds>();
    fds->received = std::move(received);
  }
  static std::vector<UniqueFd> Take(const std::unique_ptr<CallFds>& fds) {
    return fds == nullptr ? std::vector<UniqueFd>() : fds->received.Take();
  }
  static OutgoingFds Attached(const std::unique_ptr<CallFds>& fds) { return fds == nullptr ? nullptr : fds->attached; }
};

}  // namespace udsrpc::internal

#endif  // UDSRPC_INTERNAL_CALL_FDS_H_
