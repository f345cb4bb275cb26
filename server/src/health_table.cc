#include "server/src/health_table.h"

namespace udsrpc {
namespace {

void ResumeAll(const std::vector<std::coroutine_handle<>>& coroutines) {
  for (const std::coroutine_handle<> coroutine : coroutines) coroutine.resume();
}

}  // namespace

void HealthTable::SetServing(absl::string_view name, bool serving) {
  Resumable resumable;
  {
    const internal::MutexLock lock(mutex_);
    Name& changed = names_[std::string(name)];
    changed.serving = serving;
    TakeWaiting(changed, resumable);
  }
  ResumeAll(resumable);
}

void HealthTable::SetMaintenance(bool maintenance) {
  Resumable resumable;
  {
    const internal::MutexLock lock(mutex_);
    maintenance_ = maintenance;
    for (const auto& [name, changed] : names_) TakeWaiting(changed, resumable);
  }
  ResumeAll(resumable);
}

void HealthTable::Start(const std::vector<absl::string_view>& names) {
  const internal::MutexLock lock(mutex_);
  ended_ = false;
  given_up_ = false;
  for (const absl::string_view name : names) {
    std::optional<bool>& serving = names_[std::string(name)].serving;
    if (!serving) serving = true;
  }
}

std::optional<int> HealthTable::End() {
  Resumable resumable;
  {
    const internal::MutexLock lock(mutex_);
    ended_ = true;
    ++ends_;
    for (const auto& [name, changed] : names_) TakeWaiting(changed, resumable);
  }
  ResumeAll(resumable);
  const internal::MutexLock lock(mutex_);
  if (!IsWatched()) return std::nullopt;
  return ends_;
}

void HealthTable::GiveUp(int end) {
  Resumable resumable;
  {
    const internal::MutexLock lock(mutex_);
    if (!ended_ || end != ends_) return;  // another server has started since
    given_up_ = true;
    for (const auto& [name, changed] : names_) TakeWaiting(changed, resumable);
  }
  ResumeAll(resumable);
}

HealthState HealthTable::StateOf(absl::string_view name) const {
  const internal::MutexLock lock(mutex_);
  return State(name);
}

HealthState HealthTable::State(absl::string_view name) const {
  const auto found = names_.find(name);
  if (found == names_.end() || !found->second.serving) return HealthState::kUnknown;
  return *found->second.serving && !maintenance_ && !ended_ ? HealthState::kServing : HealthState::kNotServing;
}

bool HealthTable::IsOver(const Watch& watch) const {
  return watch.gone || given_up_ || (ended_ && !watch.telling && watch.told == State(watch.name));
}

bool HealthTable::HasStep(const Watch& watch) const {
  return IsOver(watch) || (!watch.telling && watch.told != State(watch.name));
}

void HealthTable::TakeWaiting(Watch& watch, Resumable& resumable) const {
  if (watch.waiting == nullptr || !HasStep(watch)) return;
  resumable.push_back(std::exchange(watch.waiting, nullptr));
}

void HealthTable::TakeWaiting(const Name& name, Resumable& resumable) const {
  for (Watch* const watch : name.watches) TakeWaiting(*watch, resumable);
}

bool HealthTable::IsWatched() const {
  for (const auto& [name, watched] : names_) {
    if (!watched.watches.empty()) return true;
  }
  return false;
}

HealthTable::Watcher::Watcher(std::shared_ptr<HealthTable> table, std::string name)
    : table_(std::move(table)), watch_{.name = std::move(name)} {
  const internal::MutexLock lock(table_->mutex_);
  table_->names_[watch_.name].watches.insert(&watch_);
}

bool HealthTable::Watcher::Wait(std::coroutine_handle<> coroutine) {
  const internal::MutexLock lock(table_->mutex_);
  if (table_->HasStep(watch_)) return false;
  watch_.waiting = coroutine;
  return true;
}

HealthTable::Watcher::Step HealthTable::Watcher::TakeStep() {
  const internal::MutexLock lock(table_->mutex_);
  if (table_->IsOver(watch_)) return {.over = true, .state = std::nullopt};
  if (!table_->HasStep(watch_)) return {};  // it has changed, and changed back
  watch_.telling = true;
  watch_.told = table_->State(watch_.name);
  return {.over = false, .state = watch_.told};
}

void HealthTable::Watcher::OnTold(bool told) {
  Resumable resumable;
  {
    const internal::MutexLock lock(table_->mutex_);
    watch_.telling = false;
    watch_.gone = watch_.gone || !told;
    table_->TakeWaiting(watch_, resumable);
  }
  ResumeAll(resumable);
}

void HealthTable::Watcher::OnGone() {
  Resumable resumable;
  {
    const internal::MutexLock lock(table_->mutex_);
    watch_.gone = true;
    table_->TakeWaiting(watch_, resumable);
  }
  ResumeAll(resumable);
}

bool HealthTable::Watcher::Leave() {
  const internal::MutexLock lock(table_->mutex_);
  const auto found = table_->names_.find(watch_.name);
  found->second.watches.erase(&watch_);
  if (found->second.watches.empty() && !found->second.serving) table_->names_.erase(found);
  return table_->ended_ && !watch_.gone && !watch_.telling;
}

}  // namespace udsrpc
