#ifndef UDSRPC_SERVER_USER_H_
#define UDSRPC_SERVER_USER_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "udsrpc/internal/fd_count.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/server.h"

namespace udsrpc {

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

  // So many bytes that are kept for the user; gives them back.
  class Bytes {
   public:
    Bytes() = default;
    Bytes(Bytes&& other) noexcept { *this = std::move(other); }
    Bytes& operator=(Bytes&& other) noexcept {
      std::swap(user_, other.user_);
      std::swap(held_, other.held_);
      return *this;
    }
    ~Bytes() {
      if (user_ != nullptr) user_->bytes_.fetch_sub(held_, std::memory_order_relaxed);
    }

    // Makes it `bytes`, of `user`, always the same one, which must outlive this. False: it would be more than before,
    // and so many are not left; it is as it was then.
    bool Set(User& user, size_t bytes);
    // 0 where the user has no limit.
    size_t bytes() const { return held_; }

   private:
    User* user_ = nullptr;
    size_t held_ = 0;
  };

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
  const std::shared_ptr<internal::FdCount> untaken_fds_;
};

// The users of a server. Thread-safe.
class Users {
 public:
  // See ServerOptions.
  Users(const UserLimits& limits, std::map<uid_t, UserLimits> limits_of);

  // As long as somebody has it, always the same.
  std::shared_ptr<User> Find(uid_t uid);

 private:
  const UserLimits limits_;
  const std::map<uid_t, UserLimits> limits_of_;

  internal::Mutex mutex_;
  absl::flat_hash_map<uid_t, std::weak_ptr<User>> users_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 64;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_USER_H_
