#ifndef CHAT_ROOM_H_
#define CHAT_ROOM_H_

#include <coroutine>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "chat.pb.h"
#include "mailbox.h"

// Who is there, and how what one says comes to the others. Knows nothing of calls. Thread-safe.
//
// Every member has a mailbox, so a slow one holds up nobody: it misses the oldest of what it has not heard. All hear
// things in the same order.
class Room {
 public:
  using Events = Mailbox<std::shared_ptr<const chat::Event>>;

  // Is in the room as long as it lives; the others hear of it when it comes and goes. The first that it hears is that
  // it is there.
  class Member {
   public:
    ~Member() { room_.Leave(*this); }

    void Say(std::string text) { room_.Say(*this, std::move(text)); }
    // What it hears, until the room is closed.
    Events& events() { return events_; }

   private:
    friend class Room;
    Member(Room& room, std::string name) : room_(room), name_(std::move(name)) {}

    static constexpr size_t kUnheard = 100;
    Room& room_;
    const std::string name_;
    Events events_{kUnheard};
  };

  // ALREADY_EXISTS: there is somebody of that name. UNAVAILABLE: the room is closed.
  absl::StatusOr<std::unique_ptr<Member>> Join(std::string name);
  // For ever. Members hear what they have not heard yet, and nothing more.
  void Close();

 private:
  // The coroutines of members, which go on by the thread that tells them, once it has no lock.
  class Woken;

  void Say(const Member& speaker, std::string text);
  void Leave(const Member& member);
  // With the mutex held. To all but one, which may be null.
  void Tell(chat::Event event, const Member* but, Woken& woken);

  std::mutex mutex_;  // guards what follows
  std::map<std::string, Member*> members_;
  bool closed_ = false;
};

#endif  // CHAT_ROOM_H_
