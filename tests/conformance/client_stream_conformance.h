#ifndef UDSRPC_TESTS_CONFORMANCE_CLIENT_STREAM_CONFORMANCE_H_
#define UDSRPC_TESTS_CONFORMANCE_CLIENT_STREAM_CONFORMANCE_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "gmock/gmock.h"
#include "tests/conformance/client_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_server.h"
#include "tests/support/stream_frames.h"

namespace udsrpc::testing {

// The frames that these tests are about.
using ::testing::HasSubstr;
using wire::CallFrame;
using wire::CreditFrame;
using wire::FrameHeader;
using wire::FrameType;
using wire::HalfCloseFrame;
using wire::InitialFrame;
using wire::MessageFrame;
using wire::PingFrame;
using wire::SerializeFrame;
using wire::StatusFrame;

class ClientStreamConformance : public ClientConformance {
 protected:
  static std::string Initial(uint32_t call, const std::string& hex) {
    return SerializeFrame(InitialFrame{.call = call, .metadata = FromHex(hex)});
  }
  static std::string End(uint32_t call) { return SerializeFrame(StatusFrame{.call = call}); }

  // A Chat under way, on a connection of its own.
  struct Chat {
    explicit Chat(const TestStub& stub) : stream((context.set_timeout(kPatience), stub.Chat(context))) {}
    ClientContext context;
    ClientReaderWriter<EchoRequest, EchoReply> stream;
  };

  // The next frame, which is to be of `type` and about `call`.
  static ReceivedFrame Expect(RawServerConnection& client, FrameType type, uint32_t call) {
    std::optional<ReceivedFrame> frame = client.Receive();
    EXPECT_TRUE(frame.has_value()) << "the client closed";
    if (!frame.has_value()) return ReceivedFrame();
    EXPECT_EQ(wire::FrameTypeName(frame->header.type), wire::FrameTypeName(static_cast<uint8_t>(type)));
    EXPECT_EQ(frame->header.call, call) << frame->header.ToString();
    return *std::move(frame);
  }

  static void ExpectBytes(RawServerConnection& client, const std::string& frame) {
    const std::optional<ReceivedFrame> received = client.Receive();
    ASSERT_TRUE(received.has_value()) << "the client closed";
    EXPECT_EQ(ToHex(received->bytes.substr(0, 100)), ToHex(frame.substr(0, 100)));
    EXPECT_EQ(received->bytes.size(), frame.size());
  }

  // `packet`, which answers an open Chat of number 1 behind HELLO, is a connection error; the next call is served.
  void ExpectStreamError(absl::string_view packet, const std::string& words) {
    SCOPED_TRACE(ToHex(packet.substr(0, 200)));
    stub_ = NewStub({});
    Chat chat(*stub_);
    RawServerConnection client = Accept();
    EXPECT_EQ(ReceiveCall(client)->id(), 1U);
    ASSERT_TRUE(client.Send(absl::StrCat(Hello(), packet)));
    EchoReply reply;
    while (chat.stream.Read(reply)) {
    }
    const absl::Status status = chat.stream.Finish();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
    std::optional<ReceivedFrame> frame = client.Receive();
    while (frame.has_value() && frame->header.type == static_cast<uint8_t>(FrameType::kCredit))
      frame = client.Receive();
    ASSERT_TRUE(frame.has_value()) << "closed without GOAWAY";
    const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(frame->raw());
    ASSERT_TRUE(goaway.ok()) << frame->header.ToString();
    EXPECT_EQ(goaway->reason, static_cast<uint32_t>(wire::GoawayReason::kProtocolError));
    EXPECT_THAT(std::string(goaway->text), HasSubstr(words));
    ExpectServedOnANewConnection();
  }
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_CONFORMANCE_CLIENT_STREAM_CONFORMANCE_H_
