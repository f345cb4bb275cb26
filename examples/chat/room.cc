#include "room.h"

#include <utility>

#include "absl/strings/str_cat.h"

class Room::Woken {
 public:
  void Add(std::coroutine_handle<> coroutine) { coroutines_.push_back(coroutine); }
  ~Woken() {
    for (const std::coroutine_handle<> coroutine : coroutines_) coroutine.resume();
  }

 private:
  std::vector<std::coroutine_handle<>> coroutines_;
};

namespace {

chat::Event MakeEvent(chat::Event::Kind kind, const std::string& name) {
  chat::Event event;
  event.set_kind(kind);
  event.set_name(name);
  return event;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Room::Member>> Room::Join(std::string name) {
  std::unique_ptr<Member> member(new Member(*this, name));
  Woken woken;  // destroyed after the lock, here and below
  const std::lock_guard<std::mutex> lock(mutex_);
  absl::Status refused;
  if (closed_) {
    refused = absl::UnavailableError("the room is closed");
  } else if (!members_.emplace(name, member.get()).second) {
    refused = absl::AlreadyExistsError(absl::StrCat("somebody named ", name, " is there; choose another name"));
  }
  if (!refused.ok()) return refused;
  Tell(MakeEvent(chat::Event::JOINED, name), nullptr, woken);
  return member;
}

void Room::Say(const Member& speaker, std::string text) {
  chat::Event event = MakeEvent(chat::Event::SAID, speaker.name_);
  event.set_text(std::move(text));
  Woken woken;
  const std::lock_guard<std::mutex> lock(mutex_);
  Tell(std::move(event), &speaker, woken);
}

void Room::Leave(const Member& member) {
  Woken woken;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = members_.find(member.name_);
  if (found == members_.end() || found->second != &member) return;
  members_.erase(found);
  Tell(MakeEvent(chat::Event::LEFT, member.name_), nullptr, woken);
}

void Room::Tell(chat::Event event, const Member* but, Woken& woken) {
  const auto shared = std::make_shared<const chat::Event>(std::move(event));
  for (const auto& [name, member] : members_) {
    if (member != but) woken.Add(member->events_.Put(shared));
  }
}

void Room::Close() {
  Woken woken;
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  for (const auto& [name, member] : members_) woken.Add(member->events_.Close());
}
