#ifndef UDSRPC_COMMON_STREAM_CREDIT_QUEUE_H_
#define UDSRPC_COMMON_STREAM_CREDIT_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "common/src/stream/credit.h"
#include "common/src/wire/limits.h"

namespace udsrpc {

// The connection's credit for sending, and the streams that wait for it, first come first served: of several long
// messages each gets a packet in turn. Pure and not thread-safe; `Stream` is whoever waits, and is not looked into.
template <typename Stream>
class CreditQueue {
 public:
  // Spends credit of the connection's and of `own`, the stream's, for `wanted` bytes or the part of them that can be
  // sent now: a packet at most, and for a part wire::kMinFragmentBytes at least. `has_room`: the queue for sending has.
  // 0: not now. The stream is to ask again when its own credit has grown; or, where that is not what it waits for, when
  // it is Next() and the rest has changed. One that has spent goes to the end where it comes again.
  size_t Spend(Stream* stream, SendCredit& own, size_t wanted, bool has_room) {
    const size_t least = std::min(wanted, wire::kMinFragmentBytes);
    if (own.available() < least) {
      Leave(stream);
      return 0;
    }
    const bool its_turn = waiting_.empty() || waiting_.front() == stream;
    if (!its_turn || !has_room || credit_.available() < least) {
      Wait(stream);
      return 0;
    }
    const size_t spent = std::min({wanted, own.available(), credit_.available(), wire::kMaxPacketBytes});
    own.Use(spent);
    credit_.Use(spent);
    Leave(stream);
    return spent;
  }
  // So much was not sent after all.
  void Return(size_t bytes) { credit_.Return(bytes); }
  // Gives its place in the queue up.
  void Leave(Stream* stream) {
    const auto found = std::find(waiting_.begin(), waiting_.end(), stream);
    if (found != waiting_.end()) waiting_.erase(found);
  }
  // Whose turn it is, or null.
  Stream* Next() const { return waiting_.empty() ? nullptr : waiting_.front(); }

  // See SendCredit::Add.
  absl::Status Add(uint32_t bytes) { return credit_.Add(bytes); }

 private:
  // Takes a place, unless `stream` has one.
  void Wait(Stream* stream) {
    if (std::find(waiting_.begin(), waiting_.end(), stream) == waiting_.end()) waiting_.push_back(stream);
  }

  SendCredit credit_{wire::kInitialConnectionCredit};
  std::vector<Stream*> waiting_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_CREDIT_QUEUE_H_
