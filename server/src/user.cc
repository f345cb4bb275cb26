#include "server/src/user.h"

#include <unistd.h>

#include <algorithm>

#include "server/src/caller.h"

namespace udsrpc {
namespace {

constexpr UserLimits kNoLimits{.max_connections = UserLimits::kUnlimited,
                               .max_calls = UserLimits::kUnlimited,
                               .max_bytes = UserLimits::kUnlimitedBytes,
                               .max_untaken_fds = UserLimits::kUnlimitedBytes};

// Users that are gone are looked for when there are twice as many as after the last look, and no fewer than these.
constexpr size_t kLeastToSweep = 64;

std::map<uid_t, UserLimits> WithTrusted(std::map<uid_t, UserLimits> limits_of) {
  limits_of.emplace(0, kNoLimits);
  limits_of.emplace(geteuid(), kNoLimits);
  return limits_of;
}

}  // namespace

bool User::Take(std::atomic<int>& count, int limit, Share* share) {
  if (count.fetch_add(1, std::memory_order_relaxed) >= limit) {
    count.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  *share = Share(&count);
  return true;
}

bool User::Held::Set(std::atomic<size_t>& count, size_t limit, size_t amount) {
  if (limit == UserLimits::kUnlimitedBytes) return true;
  count_ = &count;
  if (amount > amount_) {
    const size_t more = amount - amount_;
    if (count.fetch_add(more, std::memory_order_relaxed) + more > limit) {
      count.fetch_sub(more, std::memory_order_relaxed);
      return false;
    }
  } else if (amount < amount_) {
    count.fetch_sub(amount_ - amount, std::memory_order_relaxed);
  }
  amount_ = amount;
  return true;
}

Users::Users(const UserLimits& limits, std::map<uid_t, UserLimits> limits_of)
    : limits_(limits), limits_of_(WithTrusted(std::move(limits_of))) {}

std::shared_ptr<User> Users::Find(uid_t uid) {
  internal::MutexLock lock(mutex_);
  if (users_.size() >= sweep_at_) {
    absl::erase_if(users_, [](const auto& user) { return user.second.expired(); });
    sweep_at_ = std::max(kLeastToSweep, 2 * users_.size());
  }
  std::weak_ptr<User>& known = users_[uid];
  std::shared_ptr<User> user = known.lock();
  if (user == nullptr) {
    const auto found = limits_of_.find(uid);
    user = std::make_shared<User>(found == limits_of_.end() ? limits_ : found->second);
    known = user;
  }
  return user;
}

void Users::Add(const std::shared_ptr<const Caller>& caller) {
  (caller->peer().transport() == Transport::kGrpc ? accepted_grpc_ : accepted_seqpacket_).fetch_add(1);
  internal::MutexLock lock(mutex_);
  if (callers_.size() >= sweep_callers_at_) {
    std::erase_if(callers_, [](const std::weak_ptr<const Caller>& one) { return one.expired(); });
    sweep_callers_at_ = std::max(kLeastToSweep, 2 * callers_.size());
  }
  callers_.push_back(caller);
}

std::vector<std::shared_ptr<const Caller>> Users::Callers() {
  std::vector<std::shared_ptr<const Caller>> callers;  // those of which this has the last share end without the mutex
  internal::MutexLock lock(mutex_);
  for (const std::weak_ptr<const Caller>& each : callers_) {
    if (std::shared_ptr<const Caller> caller = each.lock(); caller != nullptr) callers.push_back(std::move(caller));
  }
  return callers;
}

uint64_t Users::accepted(Transport transport) const {
  return (transport == Transport::kGrpc ? accepted_grpc_ : accepted_seqpacket_).load();
}

}  // namespace udsrpc
