#include "server/src/turn_queue.h"

#include <algorithm>
#include <utility>

namespace udsrpc {
namespace {

// Users without anything that waits are forgotten when there are twice as many as after the last look, and no fewer.
constexpr size_t kLeastGroupsToSweep = 64;

}  // namespace

void TurnQueue::Push(Waiting& waiting) {
  waiting.wanted_until_ = waiting.late_from_ = waiting.wanted_until();
  if (waiting.wanted_until_ != Deadline::Clock::time_point::max()) {
    waiting.late_from_ -= (waiting.wanted_until_ - now_()) / 2;
  }
  TurnTaker* owner = waiting.owner();
  if (owner == nullptr) owner = &nobody_;
  Line& line = LineOf(*owner);
  waiting.newer_ = nullptr;
  waiting.older_ = std::exchange(line.newest, &waiting);
  ++size_;
  if (waiting.older_ != nullptr) {
    waiting.older_->newer_ = &waiting;
    return;
  }
  line.oldest = &waiting;
  Group& group = GroupOf(owner->user_);
  if (group.first == nullptr) Append(group);
  Append(group, *owner);
}

TurnTaker::Waiting& TurnQueue::Pop() { return Take(NewestFirst(*first_)); }

TurnTaker::Waiting& TurnQueue::PopAny() { return Take(/*newest_first=*/false); }

bool TurnQueue::NewestFirst(const Group& group) const {
  const Line& line = LineOf(*group.first);
  const Waiting& oldest = *line.oldest;
  const bool alone = group.first == group.last && line.oldest == line.newest;
  if (alone || oldest.wanted_until_ == Deadline::Clock::time_point::max()) return false;
  const Deadline::Clock::time_point now = now_();
  return now >= oldest.late_from_ && now < oldest.wanted_until_;
}

TurnTaker::Waiting& TurnQueue::Take(bool newest_first) {
  Group& group = *first_;
  TurnTaker& owner = newest_first ? *group.last : *group.first;
  Line& line = LineOf(owner);
  Waiting& taken = TakeOf(line, newest_first);
  --size_;
  Remove(group, owner);
  if (line.oldest != nullptr) newest_first ? Prepend(group, owner) : Append(group, owner);
  first_ = std::exchange(group.next, nullptr);
  if (first_ == nullptr) last_ = nullptr;
  if (group.first != nullptr) Append(group);
  return taken;
}

TurnTaker::Waiting& TurnQueue::TakeOf(Line& line, bool newest) {
  Waiting& taken = newest ? *line.newest : *line.oldest;
  (taken.older_ != nullptr ? taken.older_->newer_ : line.oldest) = taken.newer_;
  (taken.newer_ != nullptr ? taken.newer_->older_ : line.newest) = taken.older_;
  return taken;
}

TurnQueue::Group& TurnQueue::GroupOf(const void* user) {
  if (recent_ != nullptr && recent_->user == user) return *recent_;
  if (groups_.size() >= sweep_at_) {
    absl::erase_if(groups_, [](const auto& group) { return group.second->first == nullptr; });
    sweep_at_ = std::max(kLeastGroupsToSweep, 2 * groups_.size());
  }
  std::unique_ptr<Group>& group = groups_[user];
  if (group == nullptr) group = std::make_unique<Group>(Group{.user = user});
  recent_ = group.get();
  return *recent_;
}

void TurnQueue::Append(Group& group) {
  (last_ != nullptr ? last_->next : first_) = &group;
  last_ = &group;
}

void TurnQueue::Append(Group& group, TurnTaker& owner) {
  Line& line = LineOf(owner);
  line.behind = nullptr;
  line.ahead = std::exchange(group.last, &owner);
  (line.ahead != nullptr ? LineOf(*line.ahead).behind : group.first) = &owner;
}

void TurnQueue::Prepend(Group& group, TurnTaker& owner) {
  Line& line = LineOf(owner);
  line.ahead = nullptr;
  line.behind = std::exchange(group.first, &owner);
  (line.behind != nullptr ? LineOf(*line.behind).ahead : group.last) = &owner;
}

void TurnQueue::Remove(Group& group, TurnTaker& owner) {
  Line& line = LineOf(owner);
  (line.ahead != nullptr ? LineOf(*line.ahead).behind : group.first) = line.behind;
  (line.behind != nullptr ? LineOf(*line.behind).ahead : group.last) = line.ahead;
}

}  // namespace udsrpc
