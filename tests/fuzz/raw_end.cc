#include "tests/fuzz/raw_end.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "common/src/wire/limits.h"
#include "tests/fuzz/check.h"

namespace udsrpc::fuzz {

RawEnd RawEnd::Pair(UniqueFd* other) {
  int ends[2];
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  *other = UniqueFd(ends[0]);
  return RawEnd(UniqueFd(ends[1]));
}

bool RawEnd::Send(absl::string_view packet, size_t descriptors) {
  if (!open() || packet.empty()) return false;
  if (descriptors == 0) return SendPacket(socket_.get(), packet).outcome == IoOutcome::kDone;
  std::vector<UniqueFd> fds;
  for (size_t i = 0; i < descriptors; ++i) fds.emplace_back(dup(STDERR_FILENO));
  return SendPacket(socket_.get(), packet, fds).outcome == IoOutcome::kDone;
}

std::optional<RawEnd::Packet> RawEnd::Receive() {
  if (!open() || at_end_) return std::nullopt;
  static char buffer[2 * wire::kMaxPacketBytes];
  PacketFds fds;
  const IoResult received = ReceivePacket(socket_.get(), buffer, sizeof(buffer), fds);
  if (received.outcome == IoOutcome::kWouldBlock) return std::nullopt;
  if (received.outcome != IoOutcome::kDone) {
    at_end_ = true;
    return std::nullopt;
  }
  FUZZ_CHECK(!received.truncated && received.bytes <= wire::kMaxPacketBytes);
  return Packet{.bytes = std::string(buffer, received.bytes), .descriptors = fds.fds.size()};
}

int RawEnd::unread() const {
  int bytes = 0;
  return open() && ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

void RawEnd::ShutdownWriting() {
  if (open()) shutdown(socket_.get(), SHUT_WR);
}

}  // namespace udsrpc::fuzz
