#ifndef UDSRPC_TESTS_HOSTILE_STRIKE_H_
#define UDSRPC_TESTS_HOSTILE_STRIKE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/src/socket/socket_address.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {

// One attacker's part of an attack, on a thread of its own: sockets without a library behind them, which may say
// anything. Not thread-safe.
class Strike {
 public:
  Strike(std::string target, int index, absl::Time until)
      : target_(std::move(target)), index_(index), until_(until), random_(static_cast<unsigned>(index) + 1) {}

  // Which of the attackers this is, from 0.
  int index() const { return index_; }
  // Whether there is time left to go on.
  bool More() const { return absl::Now() < until_; }
  std::mt19937& random() { return random_; }

  // A connection. Not valid: it was refused, which an attacker has to live with.
  UniqueFd Connect(SocketKind kind);

  enum class Sent {
    kSent,
    kFull,  // the other end does not read, and there is no room
    kClosed,
  };
  // One packet, or some bytes of a stream, all of them unless it says otherwise. Waits for room for no longer than
  // `patience`.
  Sent Send(int fd, absl::string_view bytes, absl::Duration patience = absl::Milliseconds(100));
  // Descriptors with it.
  Sent Send(int fd, absl::string_view packet, const std::vector<int>& fds);
  // What has come, thrown away. False: the other end has closed.
  bool Drain(int fd);
  // Waits, 20 s at most, until the other end has closed. False: it has not.
  static bool AwaitClosed(int fd);
  // Waits, 20 s at most, for the next bytes. Empty: the other end has closed.
  static std::string Receive(int fd);

  // Leaves a connection open until the attack is called off.
  void Hold(UniqueFd fd) {
    if (fd.valid()) held_.push_back(std::move(fd));
  }
  std::vector<UniqueFd>& held() { return held_; }

 private:
  const std::string target_;
  const int index_;
  const absl::Time until_;
  std::mt19937 random_;
  std::vector<UniqueFd> held_;
};

// Who attacks: processes of another user, where the test may have some, so that the limits of a user are in the way; or
// of the server's own, which have none.
enum class Attacker { kStranger, kOwnUser };

// Needs root.
inline constexpr unsigned kStranger = 54321;

// Has the calling thread, and nothing else of the process, be that user from now on.
void BecomeStranger();

// What attackers have spent and hold.
struct Forces {
  absl::Duration cpu;
  std::vector<UniqueFd> held;
};

// Has `count` strikes made, on up to four threads at a time, within about `duration`.
Forces StrikeTogether(const std::string& target, Attacker attacker, int count, absl::Duration duration,
                      const std::function<void(Strike&)>& strike);

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_HOSTILE_STRIKE_H_
