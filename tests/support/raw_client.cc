#include "tests/support/raw_client.h"

#include <string>
#include <vector>

#include "common/src/socket/socket.h"
#include "common/src/wire/limits.h"
#include "gtest/gtest.h"
#include "tests/proto/testing.pb.h"

namespace udsrpc::testing {

wire::RawFrame ReceivedFrame::raw() const {
  const absl::string_view all(bytes);
  return wire::RawFrame{.header = header,
                        .head = all.substr(wire::FrameHeader::kBytes, header.head_size),
                        .body = all.substr(wire::FrameHeader::kBytes + header.head_size)};
}

RawClient::RawClient(const std::string& target) {
  const SocketAddress address = *SocketAddress::Of(*Endpoint::Parse(target), SocketKind::kSeqpacket);
  int error;
  absl::StatusOr<UniqueFd> fd = ConnectSocket(address, SocketKind::kSeqpacket, absl::Seconds(20), &error);
  EXPECT_TRUE(fd.ok()) << fd.status();
  if (fd.ok()) fd_ = *std::move(fd);
}

bool RawClient::Send(absl::string_view packet) {
  for (;;) {
    const IoResult result = SendPacket(fd_.get(), packet);
    if (result.outcome != IoOutcome::kWouldBlock) return result.outcome == IoOutcome::kDone;
    const Readiness ready = WaitForSocket(fd_.get(), /*want_write=*/true, -1, absl::Seconds(20));
    EXPECT_TRUE(ready.writable || ready.readable) << "the server does not read";
    if (!ready.writable && !ready.readable) return false;
  }
}

std::string RawClient::Hello() {
  return wire::SerializeFrame(wire::HelloFrame{
      .version = wire::kVersion, .min_version = wire::kVersion, .max_metadata = 8192, .max_message = 4 << 20});
}

std::string RawClient::EchoCall(uint32_t call, const std::string& text) {
  EchoRequest request;
  request.set_text(text);
  return wire::SerializeFrame(
      wire::CallFrame{.call = call, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Echo"},
      request.SerializeAsString());
}

std::optional<ReceivedFrame> RawClient::Receive() {
  if (frames_.empty()) {
    const Readiness ready = WaitForSocket(fd_.get(), false, -1, absl::Seconds(20));
    EXPECT_TRUE(ready.readable) << "nothing came";
    std::string packet(wire::kMaxPacketBytes, '\0');
    const IoResult received = ReceivePacket(fd_.get(), packet.data(), packet.size());
    if (received.outcome != IoOutcome::kDone) return std::nullopt;
    packet.resize(received.bytes);
    absl::string_view rest = packet;
    for (wire::PacketReader reader(packet); !reader.done();) {
      const absl::StatusOr<wire::RawFrame> frame = reader.Next();
      EXPECT_TRUE(frame.ok()) << frame.status();
      if (!frame.ok()) return std::nullopt;
      frames_.push_back({frame->header, std::string(rest.substr(0, frame->header.size))});
      rest.remove_prefix(frame->header.size);
    }
  }
  ReceivedFrame frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

bool RawClient::AtEnd() { return !Receive().has_value(); }

}  // namespace udsrpc::testing
