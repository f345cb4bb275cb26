#include "common/src/stream/fd_receiver.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"

namespace udsrpc {

std::unique_ptr<FdReceiver> FdReceiver::Make(size_t max_a_message, size_t max_untaken,
                                             std::shared_ptr<internal::FdCount> of_user) {
  if (max_a_message == 0) return nullptr;
  return std::unique_ptr<FdReceiver>(new FdReceiver(Announced(max_a_message), max_untaken, std::move(of_user)));
}

uint16_t FdReceiver::Announced(size_t max_a_message) {
  return static_cast<uint16_t>(std::min<size_t>(max_a_message, wire::kMaxFds));
}

PacketFds& FdReceiver::packet() {
  claimed_ = 0;
  packet_.fds.clear();
  packet_.cut = false;
  return packet_;
}

absl::Status FdReceiver::Claim(uint16_t count, MessageFds& fds) {
  if (count == 0) {
    fds.lost = absl::ResourceExhaustedError(
        "the sender could not send a message's descriptors: too many are on their way (the limit of open files of the "
        "sender counts), or one was not open");
    return absl::OkStatus();
  }
  if (count > max_a_message_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message has ", count, " descriptors, and at most ", max_a_message_, " were announced"));
  }
  const size_t left = packet_.fds.size() - claimed_;
  if (count > left && !packet_.cut) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message says that it has ", count, " descriptors, and the packet has ", left, " left"));
  }
  std::vector<UniqueFd> taken;
  for (size_t n = std::min<size_t>(count, left); n > 0; --n) taken.push_back(std::move(packet_.fds[claimed_++]));
  if (taken.size() < count) {
    fds.lost = absl::ResourceExhaustedError(
        "a message's descriptors could not be received; raise the receiver's limit of open files");
    return absl::OkStatus();
  }
  if (!untaken_->Add(count)) {
    fds.lost = absl::ResourceExhaustedError(
        absl::StrCat("with a message's ", count, " descriptors more than ", max_untaken_,
                     " of its connection, or than its user may have, have not been taken; take those that come, or "
                     "raise max_untaken_fds"));
    return absl::OkStatus();
  }
  fds.fds = internal::IncomingFds(std::move(taken), untaken_);
  return absl::OkStatus();
}

absl::Status FdReceiver::EndPacket() {
  if (claimed_ == packet_.fds.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a packet has ", packet_.fds.size(), " descriptors, and its messages ", claimed_));
}

absl::Status ClaimFds(FdReceiver* receiver, const std::optional<uint16_t>& count, MessageFds& fds) {
  if (!count) return absl::OkStatus();
  if (receiver != nullptr) return receiver->Claim(*count, fds);
  return absl::InvalidArgumentError("a message has descriptors, and none were announced to be wanted");
}

}  // namespace udsrpc
