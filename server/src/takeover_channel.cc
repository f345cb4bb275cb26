#include "server/src/takeover_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/socket/packet_sender.h"
#include "common/src/socket/socket.h"

namespace udsrpc {
namespace {

// An endpoint's target has at most 12 KiB: a path of 4,095 bytes, each of them escaped.
constexpr size_t kMaxMessageBytes = 16 << 10;

absl::Status Gone(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::generic_category().message(error)));
}

// The one descriptor of a packet. False: it has others, or there was no room for it.
bool TakeDescriptor(msghdr& header, UniqueFd* descriptor) {
  bool one_at_most = (header.msg_flags & MSG_CTRUNC) == 0;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int received;
      std::memcpy(&received, CMSG_DATA(control) + i * sizeof(int), sizeof(received));
      one_at_most = one_at_most && !descriptor->valid();
      descriptor->reset(received);
    }
  }
  return one_at_most;
}

}  // namespace

absl::Status TakeoverChannel::AwaitSocket(bool writable, absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("it does not answer");
  const Readiness ready = WaitForSocket(fd(), writable, wake_event_, left);
  if (ready.woken) return absl::CancelledError("this server is shutting down");
  return absl::OkStatus();
}

absl::Status TakeoverChannel::Send(const internal::TakeoverMessage& message, absl::Time deadline, int descriptor) {
  const std::string bytes = message.SerializeAsString();
  iovec data{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (descriptor >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof(descriptor));
  }
  for (;;) {
    if (sendmsg(fd(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return absl::OkStatus();
    if (errno == EINTR) continue;
    if ((errno == ENOBUFS || errno == ENOMEM) && absl::Now() < deadline) {
      absl::SleepFor(kSendRetry);  // the kernel tells nobody when it has memory again
      continue;
    }
    if (errno != EAGAIN) return Gone("it takes no message", errno);
    if (absl::Status status = AwaitSocket(/*writable=*/true, deadline); !status.ok()) return status;
  }
}

absl::StatusOr<internal::TakeoverMessage> TakeoverChannel::Receive(absl::Time deadline, UniqueFd* descriptor) {
  char bytes[kMaxMessageBytes];
  iovec data{.iov_base = bytes, .iov_len = sizeof(bytes)};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  for (;;) {
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    const ssize_t received = recvmsg(fd(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    // A reset is reported once, ahead of what the other end had sent before it went.
    if (received < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (received < 0 && errno == EAGAIN) {
      if (absl::Status status = AwaitSocket(/*writable=*/false, deadline); !status.ok()) return status;
      continue;
    }
    if (received < 0) return Gone("it is gone", errno);
    // Of an empty packet, too, which the kernel cannot tell from the end, and which may have some.
    const bool at_most_one = TakeDescriptor(header, descriptor);
    if (received == 0) return absl::UnavailableError("it is gone");
    internal::TakeoverMessage message;
    if (!at_most_one || (header.msg_flags & MSG_TRUNC) != 0 ||
        !message.ParseFromArray(bytes, static_cast<int>(received))) {
      return absl::InvalidArgumentError("it sends what is no message of a takeover");
    }
    return message;
  }
}

void TakeoverChannel::Refuse(const absl::Status& why) {
  internal::TakeoverMessage message;
  message.mutable_refused()->set_code(static_cast<int>(why.code()));
  message.mutable_refused()->set_message(std::string(why.message()));
  Send(message, absl::InfinitePast()).IgnoreError();
}

}  // namespace udsrpc
