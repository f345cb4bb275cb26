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
  // Whether `stream` may use `bytes` now.
  bool MayUse(const Stream* stream, size_t bytes) const {
    return credit_.available() >= bytes && (waiting_.empty() || waiting_.front() == stream);
  }
  size_t available() const { return credit_.available(); }

  // `stream` has used `bytes`, which it might, and goes to the end where it comes again.
  void Use(Stream* stream, size_t bytes) {
    credit_.Use(bytes);
    Leave(stream);
  }
  // So much was not sent after all.
  void Return(size_t bytes) { credit_.Return(bytes); }
  // Takes a place in the queue, unless `stream` has one.
  void Wait(Stream* stream) {
    if (std::find(waiting_.begin(), waiting_.end(), stream) == waiting_.end()) waiting_.push_back(stream);
  }
  // Gives the place up.
  void Leave(Stream* stream) {
    const auto found = std::find(waiting_.begin(), waiting_.end(), stream);
    if (found != waiting_.end()) waiting_.erase(found);
  }
  // Whose turn it is, or null.
  Stream* Next() const { return waiting_.empty() ? nullptr : waiting_.front(); }

  // See SendCredit::Add.
  absl::Status Add(uint32_t bytes) { return credit_.Add(bytes); }

 private:
  SendCredit credit_{wire::kInitialConnectionCredit};
  std::vector<Stream*> waiting_;
};

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STREAM_CREDIT_QUEUE_H_
