#ifndef UDSRPC_TESTS_CONFORMANCE_CLIENT_CONFORMANCE_H_
#define UDSRPC_TESTS_CONFORMANCE_CLIENT_CONFORMANCE_H_

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/wire/limits.h"
#include "gmock/gmock.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/event.h"
#include "tests/support/hex.h"
#include "tests/support/raw_server.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"

// What the tests of the client against a raw server share.

namespace udsrpc::testing {

inline std::string Hello() {
  return wire::SerializeFrame(wire::HelloFrame{
      .version = 1, .min_version = 1, .max_calls = 16384, .max_metadata = 8192, .max_message = 4 << 20});
}

// OK with an EchoReply.
inline std::string Ok(uint32_t call, const std::string& text) {
  EchoReply reply;
  reply.set_text(text);
  return wire::SerializeFrame(wire::StatusFrame{.call = call, .has_message = true}, reply.SerializeAsString());
}

inline std::string Refused(uint32_t call, absl::StatusCode code) {
  return wire::SerializeFrame(wire::StatusFrame{
      .call = call, .refused = true, .code = static_cast<uint32_t>(code), .status_message = "refused by the test"});
}

inline std::string Goaway(wire::GoawayReason reason, absl::string_view text) {
  return wire::SerializeFrame(wire::GoawayFrame{.reason = static_cast<uint32_t>(reason)}, text);
}

// A call of Echo under way on a thread of its own.
class Echo {
 public:
  Echo(TestStub& stub, const std::string& text, absl::Duration timeout = kPatience) {
    request_.set_text(text);
    context_.set_timeout(timeout);
    thread_ = std::thread([this, &stub] { status_ = stub.Echo(context_, request_, reply_); });
  }
  ~Echo() {
    if (!thread_.joinable()) return;
    context_.Cancel();
    thread_.join();
  }

  // Waits for the call's end, which its timeout bounds.
  absl::Status Wait() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  // Likewise, for one that is to be OK.
  std::string Reply() {
    const absl::Status status = Wait();
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? reply_.text() : status.ToString();
  }
  ClientContext& context() { return context_; }

 private:
  ClientContext context_;
  EchoRequest request_;
  EchoReply reply_;
  absl::Status status_;
  std::thread thread_;
};

// A CALL frame, and its bytes.
struct ReceivedCall {
  ReceivedFrame bytes;
  wire::CallFrame frame;

  uint32_t id() const { return frame.call; }
  std::string text() const {
    EchoRequest request;
    return request.ParseFromArray(frame.message.data(), static_cast<int>(frame.message.size())) ? request.text()
                                                                                                : "no EchoRequest";
  }
};

class ClientConformance : public ::testing::Test {
 protected:
  std::unique_ptr<TestStub> NewStub(ChannelOptions options) {
    options.transport = Transport::kSeqpacket;
    return std::make_unique<TestStub>(*CreateChannel(target_, options));
  }

  // The next client, after its HELLO.
  RawServerConnection Accept() {
    RawServerConnection client = server_.Accept();
    const std::optional<ReceivedFrame> frame = client.Receive();
    EXPECT_TRUE(frame.has_value() && wire::HelloFrame::Parse(frame->raw()).ok()) << "no HELLO";
    return client;
  }

  // The next frame, which is to be a CALL. Heap-allocated, as the frame has views of the bytes.
  static std::unique_ptr<ReceivedCall> ReceiveCall(RawServerConnection& client) {
    auto call = std::make_unique<ReceivedCall>();
    std::optional<ReceivedFrame> frame = client.Receive();
    EXPECT_TRUE(frame.has_value()) << "the client closed";
    if (!frame.has_value()) return call;
    call->bytes = *std::move(frame);
    const absl::StatusOr<wire::CallFrame> parsed = wire::CallFrame::Parse(call->bytes.raw());
    EXPECT_TRUE(parsed.ok()) << call->bytes.header.ToString();
    if (parsed.ok()) call->frame = *parsed;
    return call;
  }

  static void ExpectCancel(RawServerConnection& client, uint32_t call, absl::StatusCode code) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value()) << "the client closed";
    const absl::StatusOr<wire::CancelFrame> cancel = wire::CancelFrame::Parse(frame->raw());
    ASSERT_TRUE(frame->header.type == static_cast<uint8_t>(wire::FrameType::kCancel) && cancel.ok())
        << frame->header.ToString();
    EXPECT_EQ(*cancel, (wire::CancelFrame{.call = call, .code = static_cast<uint32_t>(code)}));
  }

  // A call succeeds on `client`, whose HELLO has been exchanged.
  void ExpectServedOn(RawServerConnection& client) {
    Echo echo(*stub_, "next");
    const auto call = ReceiveCall(client);
    EXPECT_EQ(call->text(), "next");
    ASSERT_TRUE(client.Send(Ok(call->id(), "served")));
    EXPECT_EQ(echo.Reply(), "served");
  }

  // The channel's next call comes over a new connection, and nothing else does.
  void ExpectServedOnANewConnection() {
    EXPECT_TRUE(server_.NobodyWaits());
    Echo echo(*stub_, "afresh");
    RawServerConnection client = Accept();
    const auto call = ReceiveCall(client);
    EXPECT_EQ(call->text(), "afresh") << "a call was made again";
    ASSERT_TRUE(client.Send(Hello() + Ok(call->id(), "served")));
    EXPECT_EQ(echo.Reply(), "served");
  }

  // The client says goodbye to `client` in words that have `words` in them, and closes.
  static void ExpectGoaway(RawServerConnection& client, const std::string& words) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value()) << "closed without GOAWAY";
    const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(frame->raw());
    ASSERT_TRUE(frame->header.type == static_cast<uint8_t>(wire::FrameType::kGoaway) && goaway.ok())
        << frame->header.ToString();
    EXPECT_EQ(goaway->reason, static_cast<uint32_t>(wire::GoawayReason::kProtocolError));
    EXPECT_THAT(std::string(goaway->text), ::testing::HasSubstr(words));
    EXPECT_FALSE(client.Receive().has_value());
  }

  // `packet`, the server's first, is a connection error: the call fails, is not made again, and the next one is served.
  void ExpectConnectionError(absl::string_view packet, const std::string& words) {
    SCOPED_TRACE(ToHex(packet.substr(0, 200)));
    stub_ = NewStub({});
    Echo echo(*stub_, "hi");
    RawServerConnection client = Accept();
    EXPECT_EQ(ReceiveCall(client)->id(), 1U);
    ASSERT_TRUE(client.Send(packet));
    const absl::Status status = echo.Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(words));
    ExpectGoaway(client, words);
    ExpectServedOnANewConnection();
  }

  // `frame`, answering call 1 behind HELLO, ends that call with `code` (see ended_), and the connection goes on.
  void ExpectCallError(absl::string_view frame, absl::StatusCode code, ChannelOptions options = {}) {
    SCOPED_TRACE(ToHex(frame.substr(0, 200)));
    stub_ = NewStub(options);
    Echo echo(*stub_, "hi");
    RawServerConnection client = Accept();
    EXPECT_EQ(ReceiveCall(client)->id(), 1U);
    EXPECT_TRUE(client.Send(absl::StrCat(Hello(), frame)));
    ended_ = echo.Wait();
    EXPECT_EQ(ended_.code(), code) << ended_;
    ExpectServedOn(client);
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  RawServer server_{target_};
  std::unique_ptr<TestStub> stub_ = NewStub({});
  absl::Status ended_;  // what ExpectCallError's call ended with
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_CONFORMANCE_CLIENT_CONFORMANCE_H_
