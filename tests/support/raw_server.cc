#include "tests/support/raw_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "common/src/socket/socket.h"
#include "common/src/wire/limits.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"

namespace udsrpc::testing {
namespace {}  // namespace

bool RawServerConnection::Send(absl::string_view packet) {
  for (;;) {
    const IoResult result = SendPacket(fd_.get(), packet);
    if (result.outcome != IoOutcome::kWouldBlock) return result.outcome == IoOutcome::kDone;
    // Room alone counts: what the client has sent may lie unread meanwhile.
    pollfd room{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    const bool ready = poll(&room, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))) > 0;
    EXPECT_TRUE(ready) << "the client does not read";
    if (!ready) return false;
  }
}

std::string RawServerConnection::ReceivePacket() {
  if (!valid()) return "";
  const Readiness ready = WaitForSocket(fd_.get(), /*want_write=*/false, -1, kPatience);
  EXPECT_TRUE(ready.readable) << "nothing came";
  std::string packet(wire::kMaxPacketBytes, '\0');
  const IoResult received = udsrpc::ReceivePacket(fd_.get(), packet.data(), packet.size());
  packet.resize(received.outcome == IoOutcome::kDone ? received.bytes : 0);
  return packet;
}

std::optional<ReceivedFrame> RawServerConnection::Receive() {
  if (frames_.empty()) {
    const std::string packet = ReceivePacket();
    for (wire::PacketReader reader(packet); !reader.done();) {
      const absl::StatusOr<wire::RawFrame> frame = reader.Next();
      EXPECT_TRUE(frame.ok()) << frame.status();
      if (!frame.ok()) return std::nullopt;
      // The header is right in front of the head.
      const char* const start = frame->head.data() - wire::FrameHeader::kBytes;
      frames_.push_back({frame->header, std::string(start, frame->header.size)});
    }
    if (frames_.empty()) return std::nullopt;
  }
  ReceivedFrame frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

bool RawServerConnection::AnythingWithin(absl::Duration patience) {
  return !frames_.empty() || WaitForSocket(fd_.get(), /*want_write=*/false, -1, patience).readable;
}

RawServer::RawServer(const std::string& target) {
  const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target), SocketKind::kSeqpacket);
  absl::StatusOr<UniqueFd> fd = OpenSocket(SocketKind::kSeqpacket);
  EXPECT_TRUE(fd.ok()) << fd.status();
  if (!fd.ok()) return;
  fd_ = *std::move(fd);
  EXPECT_EQ(bind(fd_.get(), address.get(), address.size()), 0) << address.ToString();
  EXPECT_EQ(listen(fd_.get(), SOMAXCONN), 0);
}

RawServerConnection RawServer::Accept() {
  UniqueFd connection;
  if (WaitForSocket(fd_.get(), /*want_write=*/false, -1, kPatience).readable) AcceptConnection(fd_.get(), connection);
  EXPECT_TRUE(connection.valid()) << "no client connected";
  return RawServerConnection(std::move(connection));
}

bool RawServer::NobodyWaits() { return !WaitForSocket(fd_.get(), false, -1, absl::ZeroDuration()).readable; }

}  // namespace udsrpc::testing
