#include "server/src/reused_message.h"

#include <atomic>
#include <utility>

#include "google/protobuf/message.h"

namespace udsrpc {
namespace {

// Not worth counting: what threads share costs the more, the more of them there are.
constexpr size_t kSmallBytes = 256;
constexpr unsigned kUsesAMeasurement = 64;

std::atomic<size_t> kept_by_all{0};

}  // namespace

size_t ReusedMessage::KeptBytes() { return kept_by_all.load(std::memory_order_relaxed); }

ReusedMessage::~ReusedMessage() { Forget(); }

google::protobuf::MessageLite& ReusedMessage::Get(const google::protobuf::MessageLite& prototype) {
  if (kept_ > 0) kept_by_all.fetch_sub(std::exchange(kept_, 0), std::memory_order_relaxed);
  if (prototype_ != &prototype) {
    Forget();
    message_.reset(prototype.New());
    prototype_ = &prototype;
  }
  return *message_;
}

void ReusedMessage::Release() {
  // To measure it takes longer than to fill a small one. One that has been large keeps its memory, whatever is in it
  // now; of one that a handler has made smaller again that is found out in time.
  if (large_ || message_->ByteSizeLong() > kSmallBytes || ++uses_ % kUsesAMeasurement == 0) {
    const size_t space = SpaceUsed();
    large_ = space > kSmallBytes;
    if (large_) {
      kept_ = space;
      if (kept_by_all.fetch_add(kept_, std::memory_order_relaxed) + kept_ > kMaxKeptBytes) return Forget();
    }
  }
  message_->Clear();
}

size_t ReusedMessage::SpaceUsed() const {
  const auto* const message = dynamic_cast<const google::protobuf::Message*>(message_.get());
  return message != nullptr ? message->SpaceUsedLong() : kMaxKeptBytes;  // of a lite one nobody knows
}

void ReusedMessage::Forget() {
  if (kept_ > 0) kept_by_all.fetch_sub(std::exchange(kept_, 0), std::memory_order_relaxed);
  message_ = nullptr;
  prototype_ = nullptr;
  large_ = false;
}

}  // namespace udsrpc
