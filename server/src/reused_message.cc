#include "server/src/reused_message.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace udsrpc {
namespace {

// Not worth counting: what threads share costs the more, the more of them there are.
constexpr size_t kSmallBytes = 256;

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
  largest_ = std::max(largest_, message_->ByteSizeLong());
  if (largest_ > kSmallBytes) {
    kept_ = largest_;
    if (kept_by_all.fetch_add(kept_, std::memory_order_relaxed) + kept_ > kMaxKeptBytes) return Forget();
  }
  message_->Clear();
}

void ReusedMessage::Forget() {
  if (kept_ > 0) kept_by_all.fetch_sub(std::exchange(kept_, 0), std::memory_order_relaxed);
  message_ = nullptr;
  prototype_ = nullptr;
  largest_ = 0;
}

}  // namespace udsrpc
