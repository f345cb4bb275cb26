#ifndef UDSRPC_TESTS_CONFORMANCE_SERVER_STREAM_CONFORMANCE_H_
#define UDSRPC_TESTS_CONFORMANCE_SERVER_STREAM_CONFORMANCE_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "common/src/wire/stream_frame.h"
#include "gmock/gmock.h"
#include "tests/conformance/server_conformance.h"
#include "tests/support/hex.h"
#include "tests/support/raw_client.h"
#include "tests/support/stream_frames.h"

namespace udsrpc::testing {

// The frames that these tests are about.
using wire::CallFrame;
using wire::CancelFrame;
using wire::CreditFrame;
using wire::FrameHeader;
using wire::FrameType;
using wire::HalfCloseFrame;
using wire::InitialFrame;
using wire::MessageFrame;
using wire::PingFrame;
using wire::SerializeFrame;
using wire::StatusFrame;

class ServerStreamConformance : public ServerConformance {
 protected:
  // A CALL that opens a stream and sends nothing on it.
  static std::string Open(uint32_t call, const std::string& method, absl::string_view metadata = "") {
    const std::string path = "/udsrpc.testing.Test/" + method;
    return SerializeFrame(CallFrame{.call = call, .path = path, .metadata = metadata});
  }

  static std::string CountCall(uint32_t call, uint64_t messages, uint64_t bytes) {
    InflateRequest request;
    request.set_messages(messages);
    request.set_bytes(bytes);
    return SerializeFrame(
        CallFrame{.call = call, .half_close = true, .has_message = true, .path = "/udsrpc.testing.Test/Count"},
        request.SerializeAsString());
  }

  static std::string HalfClose(uint32_t call) { return SerializeFrame(HalfCloseFrame{.call = call}); }
  static std::string Cancel(uint32_t call) { return SerializeFrame(CancelFrame{.call = call, .code = 1}); }

  using ServerConformance::ServerConformance;

  // The next frame, which is to be of `type` and about `call`.
  static ReceivedFrame Expect(RawClient& client, FrameType type, uint32_t call) {
    std::optional<ReceivedFrame> frame = client.Receive();
    EXPECT_TRUE(frame.has_value()) << "the connection ended";
    if (!frame.has_value()) return ReceivedFrame();
    EXPECT_EQ(wire::FrameTypeName(frame->header.type), wire::FrameTypeName(static_cast<uint8_t>(type)));
    EXPECT_EQ(frame->header.call, call) << frame->header.ToString();
    return *std::move(frame);
  }

  // The next frame is the STATUS of `call`, which has this code and this message.
  static void ExpectEnd(RawClient& client, uint32_t call, absl::StatusCode code, const std::string& body = "") {
    const ReceivedFrame frame = Expect(client, FrameType::kStatus, call);
    const absl::StatusOr<StatusFrame> status = StatusFrame::Parse(frame.raw());
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(static_cast<absl::StatusCode>(status->code), code) << status->status_message;
    EXPECT_EQ(ToHex(status->message), ToHex(body));
  }

  // The next frame is a whole MESSAGE with that text.
  static void ExpectText(RawClient& client, uint32_t call, const std::string& text) {
    EXPECT_EQ(ToHex(Expect(client, FrameType::kMessage, call).bytes), ToHex(Message(call, Text(text))));
  }

  // All that was sent has been read, and nothing but the answer to that came.
  static void ExpectNothingCame(RawClient& client) {
    ASSERT_TRUE(client.Send(SerializeFrame(PingFrame{.token = 7})));
    Expect(client, FrameType::kPing, 0);
  }

  static void ExpectCredit(RawClient& client, uint32_t call, uint32_t bytes) {
    EXPECT_EQ(ToHex(Expect(client, FrameType::kCredit, call).bytes), ToHex(Credit(call, bytes)));
  }
};

// What the server takes where its limit is the default one, of 4 MiB.
class ServerLongMessages : public ServerStreamConformance {
 protected:
  ServerLongMessages() : ServerStreamConformance(ServerOptions()) {}
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_CONFORMANCE_SERVER_STREAM_CONFORMANCE_H_
