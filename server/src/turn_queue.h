#ifndef UDSRPC_SERVER_TURN_QUEUE_H_
#define UDSRPC_SERVER_TURN_QUEUE_H_

#include <array>
#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "common/src/deadline.h"

namespace udsrpc {

// Whose calls take turns with those of others: a connection. Guarded as the queues are in which it is.
class TurnTaker {
 public:
  // `user` stands for who has made the connection, and is only compared.
  explicit TurnTaker(const void* user = nullptr) : user_(user) {}
  TurnTaker(const TurnTaker&) = delete;
  TurnTaker& operator=(const TurnTaker&) = delete;

  class Waiting;

 private:
  friend class TurnQueue;
  struct Line {
    Waiting* oldest = nullptr;
    Waiting* newest = nullptr;
    TurnTaker* ahead = nullptr;  // of the same user
    TurnTaker* behind = nullptr;
  };
  // A queue takes one of them.
  static constexpr size_t kLines = 2;

  const void* const user_;
  std::array<Line, kLines> lines_;
};

// What waits for its turn, such as a call for a handler.
class TurnTaker::Waiting {
 public:
  // On whose behalf, who lives as long as this; null: nobody's.
  virtual TurnTaker* owner() { return nullptr; }
  // From when on nobody wants it.
  virtual Deadline::Clock::time_point wanted_until() const { return Deadline::Clock::time_point::max(); }

 protected:
  Waiting() = default;
  ~Waiting() = default;

 private:
  friend class TurnQueue;
  Waiting* older_ = nullptr;
  Waiting* newer_ = nullptr;
  Deadline::Clock::time_point late_from_;  // half of its time has passed
  Deadline::Clock::time_point wanted_until_;
};

// The order in which those that wait have their turns: users one after the other, of a user the connections, and of a
// connection first who came first. So neither a user nor a connection with many of them holds the others up.
//
// Where the first of a user has waited for half of the time that it was given, there are more than can be served in
// time, and in the order in which they came each would begin when its time is almost over: work in vain, all of it. So
// that user's are then served in the reverse order, the newest first, which have time enough; the old ones go once
// they are wanted no more, at their turn, which is then at once.
//
// Constant time; memory for each user that waits, and none for the rest. Not thread-safe.
class TurnQueue {
 public:
  using Waiting = TurnTaker::Waiting;

  using Now = Deadline::Clock::time_point (*)();

  // `line`: which of the owners' lines it uses, alone. `now` is asked only about what is not wanted for ever.
  explicit TurnQueue(size_t line, Now now = &Deadline::CoarseNow) : line_(line), now_(now) {}
  TurnQueue(const TurnQueue&) = delete;
  TurnQueue& operator=(const TurnQueue&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // Until it is popped, which it must be before either is destroyed.
  void Push(Waiting& waiting);
  // Whose turn it is; not where it is empty.
  Waiting& Pop();
  // Any of them, and looks at no clock.
  Waiting& PopAny();

 private:
  using Line = TurnTaker::Line;

  // A user's connections that wait.
  struct Group {
    const void* user = nullptr;
    TurnTaker* first = nullptr;
    TurnTaker* last = nullptr;
    Group* next = nullptr;  // whose turn it is afterwards
  };

  Line& LineOf(TurnTaker& owner) const { return owner.lines_[line_]; }
  Group& GroupOf(const void* user);
  bool NewestFirst(const Group& group) const;
  Waiting& Take(bool newest_first);
  static Waiting& TakeOf(Line& line, bool newest);
  void Append(Group& group);
  void Append(Group& group, TurnTaker& owner);
  void Prepend(Group& group, TurnTaker& owner);
  void Remove(Group& group, TurnTaker& owner);

  const size_t line_;
  const Now now_;
  size_t size_ = 0;
  Group* first_ = nullptr;
  Group* last_ = nullptr;
  TurnTaker nobody_;
  // Empty ones are kept for the next call.
  absl::flat_hash_map<const void*, std::unique_ptr<Group>> groups_;
  Group* recent_ = nullptr;  // the one that was looked for last
  size_t sweep_at_ = 0;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_TURN_QUEUE_H_
