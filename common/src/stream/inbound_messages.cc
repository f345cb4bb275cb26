#include "common/src/stream/inbound_messages.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"

namespace udsrpc {
namespace {

// How far ahead of its reader the sender of a long message may be: enough for both to work at the same time, and not
// more than a socket's buffer takes.
constexpr uint32_t kLongMessageWindow = 4 * wire::kMaxPacketBytes;

}  // namespace

InboundMessages::InboundMessages(size_t max_message_bytes)
    : max_message_bytes_(max_message_bytes), credit_(wire::kInitialCallCredit) {}

absl::Status InboundMessages::OnMessage(const wire::MessageFrame& frame, size_t frame_bytes, const PacketBuffer& packet,
                                        MessageFds* fds) {
  if (absl::Status status = credit_.Use(frame_bytes); !status.ok()) return status;
  if (!in_message_) {
    if (frame.more && !frame.total) {
      return absl::InvalidArgumentError("MESSAGE: the first of several fragments gives no total");
    }
    Begin(frame.total.value_or(frame.message.size()), fds);
  } else if (frame.total) {
    return absl::InvalidArgumentError("MESSAGE: a message begins within another");
  } else if (frame.fds) {
    return absl::InvalidArgumentError("MESSAGE: descriptors come with a fragment that is not the message's first");
  }
  const uint64_t size = frame.message.size();
  if (size > missing_ || (!frame.more && size != missing_)) {
    return absl::InvalidArgumentError("MESSAGE: its fragments are not as long together as their total");
  }
  missing_ -= size;
  in_message_ = frame.more;
  if (!in_message_) ++whole_messages_;
  Keep(frame.message, packet);
  // Nothing is kept of it, so nobody will take it; or it is not to be waited for that somebody does.
  if (discarding_ || releasing_ || bytes_.empty()) {
    credit_.Release(frame_bytes);
  } else {
    unreleased_ += frame_bytes;
  }
  if (!in_message_) releasing_ = false;  // what comes behind it is wanted by nobody yet
  return absl::OkStatus();
}

void InboundMessages::OnInlineMessage(absl::string_view message, const PacketBuffer& packet, MessageFds* fds) {
  Begin(message.size(), fds);
  in_message_ = false;
  missing_ = 0;
  ++whole_messages_;
  Keep(message, packet);
}

void InboundMessages::Keep(absl::string_view bytes, const PacketBuffer& packet) {
  if (!discarding_) bytes_.Append(bytes, packet);
}

void InboundMessages::Begin(uint64_t total, MessageFds* fds) {
  in_message_ = true;
  missing_ = total;
  long_ = total > wire::kInitialCallCredit / 2;
  if ((total > max_message_bytes_ || total >= kHasFds) && !discarding_) {
    exhausted_ = absl::ResourceExhaustedError(
        absl::StrCat("a message of ", total, " bytes is over the limit of ", max_message_bytes_));
    oversized_ = true;
    discarding_ = true;
  } else if (fds != nullptr && !fds->lost.ok() && !discarding_) {
    exhausted_ = std::move(fds->lost);
    discarding_ = true;
  }
  if (discarding_) return;
  if (fds != nullptr && !fds->fds.empty()) {
    if (fds_ == nullptr) fds_ = std::make_unique<std::deque<internal::IncomingFds>>();
    fds_->push_back(std::move(fds->fds));
    total |= kHasFds;
  }
  char size[sizeof(total)];
  std::memcpy(size, &total, sizeof(total));
  bytes_.Append(absl::string_view(size, sizeof(size)));
}

bool InboundMessages::Take(ByteQueue& into) {
  if (InLongMessage()) credit_.Widen(kLongMessageWindow);  // it is being read
  if (bytes_.empty()) return false;
  into.Splice(bytes_);
  ReleaseKept();
  return true;
}

internal::IncomingFds InboundMessages::TakeFds() {
  if (fds_ == nullptr || fds_->empty()) return {};
  internal::IncomingFds first = std::move(fds_->front());
  fds_->pop_front();
  return first;
}

void InboundMessages::ReleaseAtOnce() {
  releasing_ = true;
  credit_.Widen(kLongMessageWindow);
  ReleaseKept();
}

void InboundMessages::ReleaseKept() { credit_.Release(std::exchange(unreleased_, 0)); }

void InboundMessages::Discard() {
  discarding_ = true;
  bytes_.Clear();
  fds_ = nullptr;
  ReleaseKept();
}

void InboundMessages::Exhaust(absl::Status status) {
  if (exhausted_.ok()) exhausted_ = std::move(status);
  Discard();
}

}  // namespace udsrpc
