// Holds the client to docs/PROTOCOL.md, section 4.11: descriptors.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/src/socket/socket.h"
#include "tests/conformance/client_stream_conformance.h"
#include "tests/support/open_files.h"

namespace udsrpc::testing {
namespace {

std::string HelloOf(uint16_t max_fds) {
  return SerializeFrame(wire::HelloFrame{.version = 1,
                                         .min_version = 1,
                                         .max_calls = 16384,
                                         .max_metadata = 8192,
                                         .max_message = 4 << 20,
                                         .max_fds = max_fds});
}

std::string OkWith(uint32_t call, const std::string& text, std::optional<uint16_t> fds) {
  return SerializeFrame(StatusFrame{.call = call, .has_message = true, .fds = fds}, Text(text));
}

class ClientS4_11_Descriptors : public ClientStreamConformance {
 protected:
  void SetUp() override { stub_ = NewStub({.max_receive_fds = 3}); }
  void TearDown() override {
    stub_ = nullptr;
    EXPECT_TRUE(OpenFilesBecome(0));
  }

  static void SendWith(RawServerConnection& client, const std::string& packet, const std::vector<UniqueFd>& fds) {
    EXPECT_EQ(SendPacket(client.fd(), packet, fds).outcome, IoOutcome::kDone);
  }

  // The client's next packet, which is one frame, and what comes with it.
  static std::pair<std::string, std::vector<UniqueFd>> ReceiveWith(RawServerConnection& client) {
    EXPECT_TRUE(WaitForSocket(client.fd(), false, -1, kPatience).readable) << "nothing came";
    std::string packet(wire::kMaxPacketBytes, '\0');
    PacketFds fds;
    const IoResult received = ReceivePacket(client.fd(), packet.data(), packet.size(), fds);
    packet.resize(received.outcome == IoOutcome::kDone ? received.bytes : 0);
    return {packet, std::move(fds.fds)};
  }

  // `packet` with a witness and `more` others, as the answer to call 1, is a connection error.
  void ExpectRefused(const std::string& packet, int more, const std::string& words, ChannelOptions options) {
    SCOPED_TRACE(ToHex(packet));
    stub_ = NewStub(options);
    Echo echo(*stub_, "hi");
    RawServerConnection client = Accept();
    EXPECT_EQ(ReceiveCall(client)->id(), 1U);
    ASSERT_TRUE(client.Send(Hello()));
    Witness witness;
    std::vector<UniqueFd> fds = FilesOf("f", more);
    fds.push_back(witness.Give());
    SendWith(client, packet, fds);
    fds.clear();
    const absl::Status status = echo.Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
    ClientConformance::ExpectGoaway(client, words);
    EXPECT_TRUE(witness.ClosedEverywhere());
  }
};

TEST_F(ClientS4_11_Descriptors, HelloSaysHowManyAreAccepted) {
  Echo echo(*stub_, "hi");
  RawServerConnection client = server_.Accept();
  const std::optional<ReceivedFrame> hello = client.Receive();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->header.size, 46U);
  EXPECT_EQ(wire::HelloFrame::Parse(hello->raw())->max_fds, 3);
}

TEST_F(ClientS4_11_Descriptors, WaitForTheServersHello) {
  ClientContext context;
  context.set_timeout(kPatience);
  for (UniqueFd& file : FilesOf("f", 2)) context.AttachFd(std::move(file));
  EchoReply reply;
  absl::Status status;
  std::thread caller([&] { status = stub_->Echo(context, Request("hi"), reply); });
  RawServerConnection client = Accept();
  EXPECT_FALSE(client.AnythingWithin(absl::Milliseconds(50))) << "it comes before it may";
  ASSERT_TRUE(client.Send(HelloOf(2)));
  {
    auto [packet, fds] = ReceiveWith(client);
    wire::PacketReader reader(packet);
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    const absl::StatusOr<CallFrame> call = frame.ok() ? CallFrame::Parse(*frame) : frame.status();
    EXPECT_TRUE(call.ok()) << call.status();
    EXPECT_EQ(call.value_or(CallFrame()).fds, 2);
    EXPECT_EQ(TextOf(fds), "f0|f1");
  }
  SendWith(client, OkWith(1, "hello", 3), FilesOf("g", 3));
  caller.join();
  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(TextOf(context.TakeFds()), "g0|g1|g2");
}

TEST_F(ClientS4_11_Descriptors, AreNotSentToAServerThatAcceptsNone) {
  for (const uint16_t accepted : {0, 1}) {
    stub_ = NewStub({});
    ClientContext context;
    context.set_timeout(kPatience);
    for (UniqueFd& file : FilesOf("f", 2)) context.AttachFd(std::move(file));
    EchoReply reply;
    absl::Status status;
    std::thread caller([&] { status = stub_->Echo(context, Request("hi"), reply); });
    RawServerConnection client = Accept();
    ASSERT_TRUE(client.Send(HelloOf(accepted)));
    caller.join();
    EXPECT_EQ(status.code(),
              accepted == 0 ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kResourceExhausted)
        << status;
    ExpectServedOn(client);
  }
}

TEST_F(ClientS4_11_Descriptors, OfAStreamsMessageAreNotSentEither) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  EXPECT_EQ(ReceiveCall(client)->id(), 1U);
  ASSERT_TRUE(client.Send(HelloOf(1)));
  EXPECT_TRUE(chat.stream.Write(Request("a"), FilesOf("f", 1)));
  {
    auto [packet, fds] = ReceiveWith(client);
    EXPECT_EQ(ToHex(packet), ToHex(SerializeFrame(MessageFrame{.call = 1, .fds = 1}, Text("a"))));
    EXPECT_EQ(TextOf(fds), "f0");
  }
  EXPECT_FALSE(chat.stream.Write(Request("b"), FilesOf("f", 2)));
  ExpectCancel(client, 1, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(chat.stream.Finish().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ClientS4_11_Descriptors, WaitInVainWhereTheDeadlinePasses) {
  ClientContext context;
  context.set_timeout(absl::Milliseconds(100));
  context.AttachFd(FileOf("f"));
  EchoReply reply;
  const absl::Status status = stub_->Echo(context, Request("hi"), reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  RawServerConnection client = Accept();
  EXPECT_FALSE(client.AnythingWithin(absl::ZeroDuration())) << "nothing of the call was sent";
}

TEST_F(ClientS4_11_Descriptors, WaitNoLongerForAServerThatHangs) {
  stub_ = NewStub({.keepalive_time = absl::Milliseconds(10), .keepalive_timeout = absl::Milliseconds(20)});
  for (const bool waited_for : {true, false}) {
    ClientContext context;
    context.set_timeout(kPatience);
    context.AttachFd(FileOf("f"));
    const EchoRequest request = Request("hi");
    EchoReply reply;
    absl::Status status;
    if (waited_for) {
      status = stub_->Echo(context, request, reply);
    } else {
      Event ended;
      stub_->Async().Echo(context, request, reply, [&](absl::Status result) {
        status = std::move(result);
        ended.Happen();
      });
      ASSERT_TRUE(ended.Await());
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("has not answered"));
  }
}

TEST_F(ClientS4_11_Descriptors, GoToTheirFramesInOrder) {
  Chat chat(*stub_);
  RawServerConnection client = Accept();
  EXPECT_EQ(ReceiveCall(client)->id(), 1U);
  SendWith(client,
           Hello() + SerializeFrame(MessageFrame{.call = 1, .fds = 1}, Text("a")) + Message(1, Text("b")) +
               OkWith(1, "c", 2),
           FilesOf("f", 3));
  EchoReply reply;
  for (const char* expected : {"f0", "", "f1|f2"}) {
    ASSERT_TRUE(chat.stream.Read(reply));
    EXPECT_EQ(TextOf(chat.stream.TakeFds()), expected);
  }
  EXPECT_FALSE(chat.stream.Read(reply));
  EXPECT_EQ(chat.stream.Finish(), absl::OkStatus());
}

TEST_F(ClientS4_11_Descriptors, AreAsManyAsTheFramesSay) {
  const ChannelOptions accepting{.max_receive_fds = 3};
  const std::string ping = SerializeFrame(PingFrame{.ack = true, .token = 1});
  const std::string message = SerializeFrame(MessageFrame{.call = 1, .more = true, .total = 9, .fds = 2}, "x");
  ExpectRefused(message, 0, "has 1 left", accepting);
  ExpectRefused(message, 2, "its messages 2", accepting);
  ExpectRefused(ping, 0, "its messages 0", accepting);
  ExpectRefused(OkWith(1, "x", 4), 3, "at most 3 were announced", accepting);
  ExpectRefused(OkWith(1, "x", 1), 0, "none were announced", {});
  ExpectRefused(SerializeFrame(StatusFrame{.call = 1, .fds = 1}), 0, "no message", accepting);
}

TEST_F(ClientS4_11_Descriptors, OnesThatTheSenderHasLostEndTheirCall) {
  ExpectCallError(OkWith(1, "x", 0), absl::StatusCode::kResourceExhausted, {.max_receive_fds = 3});
  EXPECT_THAT(std::string(ended_.message()), HasSubstr("could not send"));
}

TEST_F(ClientS4_11_Descriptors, ThoseOfACallThatHasEndedAreClosed) {
  Witness witness;
  RawServerConnection client;
  {
    Chat chat(*stub_);
    client = Accept();
    EXPECT_EQ(ReceiveCall(client)->id(), 1U);
    chat.context.Cancel();
    ExpectCancel(client, 1, absl::StatusCode::kCancelled);
  }
  SendWith(client, Hello() + SerializeFrame(MessageFrame{.call = 1, .fds = 1}, Text("a")), MakeFds(witness.Give()));
  ASSERT_TRUE(client.Send(End(1)));
  ExpectServedOn(client);
  EXPECT_TRUE(witness.ClosedEverywhere());
}

}  // namespace
}  // namespace udsrpc::testing
