#include "server/src/reused_message.h"

#include <algorithm>
#include <atomic>

#include "google/protobuf/message.h"

namespace udsrpc {
namespace {

constexpr unsigned kUsesAMeasurement = 64;

std::atomic<size_t> kept_by_all{0};

}  // namespace

size_t ReusedMessage::KeptBytes() { return kept_by_all.load(std::memory_order_relaxed); }

ReusedMessage::~ReusedMessage() { Forget(); }

google::protobuf::MessageLite& ReusedMessage::Get(const google::protobuf::MessageLite& prototype) {
  if (prototype_ != &prototype) {
    Forget();
    message_.reset(prototype.New());
    prototype_ = &prototype;
  }
  return *message_;
}

void ReusedMessage::Release() {
  const size_t size = message_->ByteSizeLong();
  if (size > largest_ || ++uses_ % kUsesAMeasurement == 0) {
    largest_ = std::max(largest_, size);
    Count(SpaceUsed());
    if (counted_ > 0 && kept_by_all.load(std::memory_order_relaxed) > kMaxKeptBytes) return Forget();
  }
  message_->Clear();
}

size_t ReusedMessage::SpaceUsed() const {
  const auto* const message = dynamic_cast<const google::protobuf::Message*>(message_.get());
  return message != nullptr ? message->SpaceUsedLong() : kMaxKeptBytes;  // of a lite one nobody knows
}

void ReusedMessage::Count(size_t space) {
  if (space <= kSmallBytes) space = 0;
  kept_by_all.fetch_add(space - counted_, std::memory_order_relaxed);  // modulo 2^64
  counted_ = space;
}

void ReusedMessage::Forget() {
  Count(0);
  message_ = nullptr;
  prototype_ = nullptr;
  largest_ = kSmallBytes;
}

}  // namespace udsrpc
