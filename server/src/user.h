#ifndef UDSRPC_SERVER_USER_H_
#define UDSRPC_SERVER_USER_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "udsrpc/internal/fd_count.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"
#include "udsrpc/transport.h"

namespace udsrpc {

class Caller;

// What one user's processes have of a server at present. Thread-safe.
class User {
 public:
  explicit User(const UserLimits& limits)
      : limits_(limits), untaken_fds_(std::make_shared<internal::FdCount>(limits.max_untaken_fds)) {}

  const UserLimits& limits() const { return limits_; }

  // The descriptors that have come over all its connections and that no handler has taken.
  const std::shared_ptr<internal::FdCount>& untaken_fds() const { return untaken_fds_; }

  // One of what is counted; gives it back. Of default, or where there was none left, of nothing.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(count_, other.count_);
      return *this;
    }
    bool is_nothing() const { return count_ == nullptr; }
    ~Share() {
      if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class User;
    explicit Share(std::atomic<int>* count) : count_(count) {}

    std::atomic<int>* count_ = nullptr;
  };

  // The user must outlive what it gives. Whether there was one left; `*share` is of that then.
  bool TakeConnection(Share* share) { return Take(connections_, limits_.max_connections, share); }
  // Of connections that are kept just to say that they are refused.
  bool TakeRefusedConnection(Share* share) { return Take(refused_connections_, kMaxRefusedConnections, share); }
  bool TakeCall(Share* share) {
    return limits_.max_calls == UserLimits::kUnlimited || Take(calls_, limits_.max_calls, share);
  }
  // Of calls that are refused, and not over before their clients have taken the answer.
  bool TakeRefusedCall(Share* share) { return Take(refused_calls_, kMaxRefusedCalls, share); }

  // So much of something that is kept for a user; gives it back.
  class Held {
   public:
    Held() = default;
    Held(Held&& other) noexcept { *this = std::move(other); }
    Held& operator=(Held&& other) noexcept {
      std::swap(count_, other.count_);
      std::swap(amount_, other.amount_);
      return *this;
    }
    ~Held() {
      if (count_ != nullptr) count_->fetch_sub(amount_, std::memory_order_relaxed);
    }
    // 0 where the user has no limit.
    size_t amount() const { return amount_; }

   private:
    friend class User;
    bool Set(std::atomic<size_t>& count, size_t limit, size_t amount);

    std::atomic<size_t>* count_ = nullptr;
    size_t amount_ = 0;
  };

  // Makes it so many bytes, or descriptors on their way to the user, of this user, who must outlive it. False: it would
  // be more than before, and so many are not left; it is as it was then.
  bool HoldBytes(Held& held, size_t bytes) { return held.Set(bytes_, limits_.max_bytes, bytes); }
  bool HoldFds(Held& held, size_t fds) { return held.Set(queued_fds_, limits_.max_untaken_fds, fds); }

 private:
  static constexpr int kMaxRefusedConnections = 8;
  static constexpr int kMaxRefusedCalls = 256;

  static bool Take(std::atomic<int>& count, int limit, Share* share);

  const UserLimits limits_;
  std::atomic<int> connections_{0};
  std::atomic<int> refused_connections_{0};
  std::atomic<int> calls_{0};
  std::atomic<int> refused_calls_{0};
  std::atomic<size_t> bytes_{0};
  std::atomic<size_t> queued_fds_{0};
  const std::shared_ptr<internal::FdCount> untaken_fds_;
};

// The users of a server. Thread-safe.
class Users {
 public:
  // See ServerOptions.
  Users(const UserLimits& limits, std::map<uid_t, UserLimits> limits_of);

  // As long as somebody has it, always the same.
  std::shared_ptr<User> Find(uid_t uid);

  // Somebody has connected.
  void Add(const std::shared_ptr<const Caller>& caller);
  // Those who are connected, and how many have been, transport by transport.
  std::vector<std::shared_ptr<const Caller>> Callers();
  uint64_t accepted(Transport transport) const;

 private:
  const UserLimits limits_;
  const std::map<uid_t, UserLimits> limits_of_;

  internal::Mutex mutex_;
  absl::flat_hash_map<uid_t, std::weak_ptr<User>> users_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 64;
  std::vector<std::weak_ptr<const Caller>> callers_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_callers_at_ ABSL_GUARDED_BY(mutex_) = 64;
  std::atomic<uint64_t> accepted_grpc_{0};
  std::atomic<uint64_t> accepted_seqpacket_{0};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_USER_H_
