// Every frame in every state in which a client can find a connection and a call, as the table of the server's.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/client_conformance.h"
#include "tests/hostile/frame_table.h"
#include "tests/support/stream_frames.h"

namespace udsrpc::testing {
namespace {

constexpr uint64_t kProbeOfClient = 0x70726f6266;

std::string StatusOf(uint32_t call, uint32_t code) {
  return wire::SerializeFrame(wire::StatusFrame{.call = call, .code = code});
}

enum ClientState {
  kNoHello,          // the server has said nothing, and there is a unary call, 1
  kOneCall,          // and it has said HELLO
  kOpenStream,       // call 2, a stream
  kInitialMetadata,  // that has come for it
  kInMessage,        // of it
  kOver,             // it has had its STATUS
  kAbandoned,        // the client has cancelled it, and has had no STATUS
};
constexpr int kClientStates = 7;

std::vector<FrameRow> ClientsTable() {
  return {
      {"HELLO", Hello(), ".xxxxxx"},
      {"GOAWAY", Goaway(wire::GoawayReason::kShutdown, ""), "......."},
      {"PING", wire::SerializeFrame(wire::PingFrame{.token = 1}), "x......"},
      {"PING, ACK", wire::SerializeFrame(wire::PingFrame{.ack = true, .token = 1}), "x......"},
      {"CREDIT of the connection", Credit(0, 1), "x......"},
      {"CREDIT of call 2", Credit(2, 1), "xx...x."},
      {"CREDIT of nothing", Credit(2, 0), "xxxxxxx"},
      {"INITIAL", wire::SerializeFrame(wire::InitialFrame{.call = 2}), "xx.xxx."},
      {"MESSAGE", Message(2, Text("hi")), "xx..xx."},
      {"MESSAGE, first fragment", First(2, 100, "part"), "xx..xx."},
      {"MESSAGE, further fragment", More(2, ""), "xxxx.x."},
      {"MESSAGE that half-closes", Message(2, Text("hi"), /*half_close=*/true), "xxxxxxx"},
      {"MESSAGE with descriptors", wire::SerializeFrame(wire::MessageFrame{.call = 2, .fds = 1}), "xxxxxxx"},
      {"STATUS of OK", StatusOf(2, 0), "xx..xx."},
      {"STATUS of an error", StatusOf(2, 10), "xx...x."},
      {"STATUS of a call that never was", StatusOf(3, 10), "xxxxxxx"},
      {"CALL", wire::SerializeFrame(wire::CallFrame{.call = 2, .path = "/a.B/C"}), "xxxxxxx"},
      {"HALF_CLOSE", wire::SerializeFrame(wire::HalfCloseFrame{.call = 2}), "xxxxxxx"},
      {"CANCEL", wire::SerializeFrame(wire::CancelFrame{.call = 2, .code = 1}), "xxxxxxx"},
      {"of no type", OfType(0x7f), "xxxxxxx"},
      {"of no type, ignorable", OfType(0xff), "x......"},
  };
}

class ClientStates : public ClientConformance, public ::testing::WithParamInterface<FrameRow> {
 protected:
  static char WhatBecomesOf(RawServerConnection& client) {
    for (;;) {
      const std::optional<ReceivedFrame> frame = client.Receive();
      if (!frame.has_value()) return '!';
      if (frame->header.type == static_cast<uint8_t>(wire::FrameType::kGoaway)) return 'x';
      const absl::StatusOr<wire::PingFrame> ping = wire::PingFrame::Parse(frame->raw());
      if (frame->header.type == static_cast<uint8_t>(wire::FrameType::kPing) && ping.ok() && ping->ack &&
          ping->token == kProbeOfClient) {
        return '.';
      }
    }
  }

  char Try(int state) {
    stub_ = NewStub({});
    Echo unary(*stub_, "waits");  // and reads
    RawServerConnection client = Accept();
    EXPECT_EQ(ReceiveCall(client)->id(), 1U);
    EXPECT_TRUE(state == kNoHello || client.Send(Hello()));
    ClientContext context;
    context.set_timeout(kPatience);
    std::optional<ClientReaderWriter<EchoRequest, EchoReply>> stream;
    if (state >= kOpenStream) {
      stream.emplace(stub_->Chat(context));
      EXPECT_EQ(ReceiveCall(client)->id(), 2U);
    }
    if (state == kInitialMetadata) client.Send(wire::SerializeFrame(wire::InitialFrame{.call = 2}));
    if (state == kInMessage) client.Send(First(2, 100, "part"));
    if (state == kOver) client.Send(StatusOf(2, 0));
    if (state == kAbandoned) {
      context.Cancel();
      ExpectCancel(client, 2, absl::StatusCode::kCancelled);
    }
    client.Send(GetParam().frame);
    if (state == kNoHello && GetParam().outcomes[kNoHello] == '.' && GetParam().name != "HELLO") client.Send(Hello());
    client.Send(wire::SerializeFrame(wire::PingFrame{.token = kProbeOfClient}));
    const char outcome = WhatBecomesOf(client);
    client.Close();
    EXPECT_EQ(unary.Wait().code(), absl::StatusCode::kUnavailable);
    if (stream.has_value()) stream->Finish().IgnoreError();
    return outcome;
  }
};

INSTANTIATE_TEST_SUITE_P(Frame, ClientStates, ::testing::ValuesIn(ClientsTable()), FrameRowName);

TEST_P(ClientStates, IsTakenOrEndsTheConnection) {
  ASSERT_EQ(GetParam().outcomes.size(), static_cast<size_t>(kClientStates));
  std::string seen;
  for (int state = 0; state < kClientStates; ++state) {
    SCOPED_TRACE(state);
    seen += Try(state);
    ExpectServedOnANewConnection();
  }
  EXPECT_EQ(seen, GetParam().outcomes);
}

}  // namespace
}  // namespace udsrpc::testing
