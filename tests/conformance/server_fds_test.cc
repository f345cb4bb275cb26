// Holds the server to docs/PROTOCOL.md, section 4.11: descriptors.

#include <poll.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/src/socket/socket.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/conformance/server_stream_conformance.h"
#include "tests/support/open_files.h"

namespace udsrpc::testing {
namespace {

using google::protobuf::StringValue;

// Says what came with the request, and sends as many as its text says.
class FileService final : public Service {
 public:
  FileService() : Service("p.F") {
    AddMethod(ServerMethod::Unary("/p.F/M", this, &FileService::M));
    AddMethod(ServerMethod::BidiStreaming("/p.F/S", this, &FileService::S));
  }

 private:
  absl::Status M(ServerContext& context, const StringValue& request, StringValue& reply) {
    reply.set_value(TextOf(context.TakeFds()));
    for (UniqueFd& file : FilesOf("reply", atoi(request.value().c_str()))) context.AttachFd(std::move(file));
    return absl::OkStatus();
  }
  absl::Status S(ServerContext&, ServerReaderWriter<StringValue, StringValue>& stream) {
    StringValue message;
    while (stream.Read(message)) {
      message.set_value(TextOf(stream.TakeFds()));
      stream.Write(message, FilesOf("message", 2));
    }
    return absl::OkStatus();
  }
};

class S4_11_Descriptors : public ServerStreamConformance {
 protected:
  S4_11_Descriptors() : S4_11_Descriptors(ServerOptions{.max_receive_fds = 3, .max_untaken_fds = 4}) {}
  explicit S4_11_Descriptors(const ServerOptions& options) : ServerStreamConformance(options) {
    ServerBuilder builder(options);
    builder.AddEndpoint(files_target_, {.grpc = false}).RegisterService(&files_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    files_server_ = *std::move(server);
  }
  void TearDown() override {
    files_server_ = nullptr;
    EXPECT_TRUE(OpenFilesBecome(0));
    ServerStreamConformance::TearDown();
  }

  static std::string Value(const std::string& text) {
    StringValue value;
    value.set_value(text);
    return value.SerializeAsString();
  }

  static std::string FileCall(uint32_t call, const std::string& text, std::optional<uint16_t> fds) {
    return SerializeFrame(
        CallFrame{.call = call, .half_close = true, .has_message = true, .path = "/p.F/M", .fds = fds}, Value(text));
  }

  static void SendWith(RawClient& client, const std::string& packet, const std::vector<UniqueFd>& fds) {
    EXPECT_EQ(SendPacket(client.fd(), packet, fds).outcome, IoOutcome::kDone);
  }

  // A client of that server, which accepts so many.
  RawClient ConnectToFiles(uint16_t max_fds = 253) {
    RawClient client(files_target_);
    EXPECT_TRUE(client.Send(SerializeFrame(wire::HelloFrame{
        .version = 1, .min_version = 1, .max_metadata = 8192, .max_message = 4 << 20, .max_fds = max_fds})));
    ExpectHello(client);
    return client;
  }

  static wire::StatusFrame ParseStatus(const ReceivedFrame& frame) {
    const absl::StatusOr<StatusFrame> status = StatusFrame::Parse(frame.raw());
    EXPECT_TRUE(status.ok()) << status.status();
    return status.value_or(StatusFrame());
  }

  // The reply of FileCall says that.
  static void ExpectFiles(RawClient& client, uint32_t call, const std::string& text) {
    const ReceivedFrame frame = Expect(client, FrameType::kStatus, call);
    const StatusFrame status = ParseStatus(frame);
    EXPECT_EQ(status.code, 0U) << status.status_message;
    EXPECT_EQ(ToHex(status.message), ToHex(Value(text)));
  }

  // `packet` with a witness and `more` others, sent by a client of `target` behind HELLO, is a connection error.
  static void ExpectRefused(const std::string& target, const std::string& packet, int more, const std::string& words) {
    SCOPED_TRACE(ToHex(packet));
    RawClient client(target);
    ASSERT_TRUE(client.Send(RawClient::Hello()));
    ExpectHello(client);
    Witness witness;
    std::vector<UniqueFd> fds = FilesOf("f", more);
    fds.push_back(witness.Give());
    SendWith(client, packet, fds);
    fds.clear();
    ExpectGoaway(client, wire::GoawayReason::kProtocolError, words);
    EXPECT_TRUE(witness.ClosedEverywhere());
  }

  FileService files_;
  const std::string files_target_ = absl::StrCat("unix:", dir_.File("f"));
  std::unique_ptr<Server> files_server_;
};

TEST_F(S4_11_Descriptors, HelloSaysHowManyAreAccepted) {
  RawClient client(files_target_);
  ASSERT_TRUE(client.Send(RawClient::Hello()));
  const ReceivedFrame frame = Expect(client, FrameType::kHello, 0);
  EXPECT_EQ(frame.header.size, 46U);
  EXPECT_EQ(wire::HelloFrame::Parse(frame.raw())->max_fds, 3);
}

TEST_F(S4_11_Descriptors, GoToTheirFramesInOrder) {
  RawClient client = ConnectToFiles();
  SendWith(client,
           FileCall(1, "0", 2) + FileCall(2, "0", std::nullopt) + FileCall(3, "0", 1) +
               SerializeFrame(CallFrame{.call = 4, .path = "/p.F/S"}) +
               SerializeFrame(MessageFrame{.call = 4, .half_close = true, .fds = 1}, Value("")),
           FilesOf("f", 4));
  ExpectFiles(client, 1, "f0|f1");
  ExpectFiles(client, 2, "");
  ExpectFiles(client, 3, "f2");
  const ReceivedFrame frame = Expect(client, FrameType::kMessage, 4);
  EXPECT_EQ(ToHex(MessageFrame::Parse(frame.raw())->message), ToHex(Value("f3")));
}

TEST_F(S4_11_Descriptors, ComeWithTheFirstFragment) {
  RawClient client = ConnectToFiles();
  const std::string body = Value(std::string(100, ' '));
  const absl::string_view view = body;
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 1, .path = "/p.F/M"})));
  SendWith(client,
           SerializeFrame(MessageFrame{.call = 1, .more = true, .total = body.size(), .fds = 1}, view.substr(0, 50)),
           FilesOf("f", 1));
  ASSERT_TRUE(client.Send(SerializeFrame(MessageFrame{.call = 1, .half_close = true}, view.substr(50))));
  ExpectFiles(client, 1, "f0");
  const std::string first =
      SerializeFrame(MessageFrame{.call = 1, .more = true, .total = body.size()}, view.substr(0, 50));
  ExpectRefused(files_target_,
                SerializeFrame(CallFrame{.call = 1, .path = "/p.F/M"}) + first +
                    SerializeFrame(MessageFrame{.call = 1, .fds = 1}, view.substr(50)),
                0, "not the message's first");
}

TEST_F(S4_11_Descriptors, AreAsManyAsTheFramesSay) {
  ExpectRefused(files_target_, FileCall(1, "0", 2), 0, "has 1 left");
  ExpectRefused(files_target_, FileCall(1, "0", 1), 1, "its messages 1");
  ExpectRefused(files_target_, FileCall(1, "0", std::nullopt), 0, "its messages 0");
  ExpectRefused(files_target_, SerializeFrame(PingFrame{.ack = true, .token = 1}), 0, "its messages 0");
  ExpectRefused(files_target_, FromHex("0c000000 ff 00 0000 00000000"), 0, "its messages 0");
  ExpectRefused(files_target_, FileCall(1, "0", 4), 3, "at most 3 were announced");
  ExpectRefused(files_target_, FileCall(1, "0", 254), 0, "at most 253");
  ExpectRefused(files_target_, "garbage", 0, "");
}

TEST_F(S4_11_Descriptors, NeedAMessage) {
  ExpectRefused(files_target_, SerializeFrame(CallFrame{.call = 1, .path = "/p.F/S", .fds = 1}), 0, "no message");
}

// The kernel drops what is not asked for, and the frame that says so is one that this server does not know.
TEST_F(S4_11_Descriptors, AreRefusedByAServerThatAcceptsNone) {
  ServerBuilder builder;
  const std::string target = absl::StrCat("unix:", dir_.File("n"));
  builder.AddEndpoint(target, {.grpc = false}).RegisterService(&files_);
  const absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  ExpectRefused(target, FileCall(1, "0", 1), 0, "none were announced");
  ExpectRefused(target, FileCall(1, "0", 0), 0, "none were announced");
  RawClient client(target);
  ASSERT_TRUE(client.Send(RawClient::Hello()));
  const ReceivedFrame hello = Expect(client, FrameType::kHello, 0);
  EXPECT_EQ(hello.header.size, 44U);
  Witness witness;
  SendWith(client, FileCall(1, "0", std::nullopt), MakeFds(witness.Give()));
  ExpectFiles(client, 1, "");
  EXPECT_TRUE(witness.ClosedEverywhere());
}

TEST_F(S4_11_Descriptors, OnesThatTheSenderHasLostEndTheirCall) {
  RawClient client = ConnectToFiles();
  SendWith(client, FileCall(1, "0", 0) + FileCall(2, "0", 1), FilesOf("f", 1));
  ExpectEnd(client, 1, absl::StatusCode::kResourceExhausted);
  ExpectFiles(client, 2, "f0");
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 3, .path = "/p.F/S"}) +
                          SerializeFrame(MessageFrame{.call = 3, .fds = 0}, Value("")) +
                          SerializeFrame(MessageFrame{.call = 3}, Value(""))));
  ExpectEnd(client, 3, absl::StatusCode::kResourceExhausted);
  ExpectNothingCame(client);
}

TEST_F(S4_11_Descriptors, ThoseOfACallThatIsNotOpenAreClosed) {
  RawClient client = ConnectToFiles();
  Witness witness;
  SendWith(client, SerializeFrame(MessageFrame{.call = 9, .fds = 1}, Value("")), MakeFds(witness.Give()));
  EXPECT_TRUE(witness.ClosedEverywhere());
  ExpectNothingCame(client);
}

TEST_F(S4_11_Descriptors, ThoseOfAMethodThatThereIsNotAreClosed) {
  RawClient client = ConnectToFiles();
  Witness witness;
  SendWith(client,
           SerializeFrame(CallFrame{.call = 1, .half_close = true, .has_message = true, .path = "/p.F/None", .fds = 1}),
           MakeFds(witness.Give()));
  ExpectEnd(client, 1, absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(witness.ClosedEverywhere());
}

TEST_F(S4_11_Descriptors, ThoseThatNobodyTakesAreBounded) {
  RawClient client = ConnectToFiles();
  // A request that is never whole keeps its own.
  SendWith(client,
           SerializeFrame(CallFrame{.call = 1, .path = "/p.F/M"}) +
               SerializeFrame(MessageFrame{.call = 1, .more = true, .total = 100, .fds = 3}, std::string(50, 'x')),
           FilesOf("kept", 3));
  SendWith(client, FileCall(2, "0", 1), FilesOf("f", 1));
  ExpectFiles(client, 2, "f0");
  SendWith(client, FileCall(3, "0", 2), FilesOf("g", 2));
  ExpectEnd(client, 3, absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(client.Send(Cancel(1)));
  ExpectEnd(client, 1, absl::StatusCode::kCancelled);
  SendWith(client, FileCall(4, "0", 3), FilesOf("h", 3));
  ExpectFiles(client, 4, "h0|h1|h2");
}

TEST_F(S4_11_Descriptors, AnEmptyPacketsAreClosed) {
  RawClient client = ConnectToFiles();
  Witness witness;
  SendWith(client, "", MakeFds(witness.Give()));
  EXPECT_TRUE(witness.ClosedEverywhere());
}

TEST_F(S4_11_Descriptors, OfTheServerComeWithTheirFrames) {
  RawClient client = ConnectToFiles();
  // One packet each, as the server has it: the frame says how many there are.
  const auto expect_packet = [&](FrameType type, const std::string& text, const std::string& files) {
    std::string packet(wire::kMaxPacketBytes, '\0');
    ASSERT_TRUE(WaitForSocket(client.fd(), false, -1, kPatience).readable);
    PacketFds fds;
    const IoResult received = ReceivePacket(client.fd(), packet.data(), packet.size(), fds);
    ASSERT_EQ(received.outcome, IoOutcome::kDone);
    wire::PacketReader reader(absl::string_view(packet).substr(0, received.bytes));
    const absl::StatusOr<wire::RawFrame> frame = reader.Next();
    ASSERT_TRUE(frame.ok()) << frame.status();
    ASSERT_EQ(frame->header.type, static_cast<uint8_t>(type));
    const std::optional<uint16_t> count =
        type == FrameType::kStatus ? StatusFrame::Parse(*frame)->fds : MessageFrame::Parse(*frame)->fds;
    EXPECT_EQ(count.value_or(0), fds.fds.size());
    EXPECT_EQ(ToHex(frame->body), ToHex(Value(text)));
    EXPECT_EQ(TextOf(fds.fds), files);
  };
  ASSERT_TRUE(client.Send(FileCall(1, "3", std::nullopt)));
  expect_packet(FrameType::kStatus, "", "reply0|reply1|reply2");
  ASSERT_TRUE(client.Send(SerializeFrame(CallFrame{.call = 2, .path = "/p.F/S"}) +
                          SerializeFrame(MessageFrame{.call = 2}, Value(""))));
  expect_packet(FrameType::kMessage, "", "message0|message1");
}

// It asks for files again and again and reads no answer: the server does not keep them all open for it.
TEST_F(S4_11_Descriptors, OfTheServerWaitInSmallNumbersForAClientThatDoesNotRead) {
  RawClient client = ConnectToFiles();
  uint32_t calls = 0;
  // Until nothing has been taken for a while.
  for (;;) {
    const IoResult sent = SendPacket(client.fd(), FileCall(calls + 1, "3", std::nullopt));
    if (sent.outcome == IoOutcome::kDone) {
      ++calls;
      continue;
    }
    ASSERT_EQ(sent.outcome, IoOutcome::kWouldBlock);
    pollfd room{.fd = client.fd(), .events = POLLOUT, .revents = 0};
    if (poll(&room, 1, 300) == 0) break;
  }
  EXPECT_GT(calls, 200U) << "those that are in the sockets";
  EXPECT_LE(OpenFiles(), 300);
  // Handlers on several threads may end in any order.
  std::set<uint32_t> ended;
  for (uint32_t i = 1; i <= calls; ++i) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value()) << "the connection ended";
    const StatusFrame status = ParseStatus(*frame);
    EXPECT_EQ(status.code, 0U) << status.status_message;
    ended.insert(status.call);
  }
  EXPECT_EQ(ended.size(), calls);
  ExpectNothingCame(client);
}

TEST_F(S4_11_Descriptors, OfTheServerAreNotSentToAClientThatAcceptsFewer) {
  RawClient fewer = ConnectToFiles(1);
  ASSERT_TRUE(fewer.Send(FileCall(1, "2", std::nullopt)));
  ExpectEnd(fewer, 1, absl::StatusCode::kResourceExhausted);
  RawClient none(files_target_);
  ASSERT_TRUE(none.Send(RawClient::Hello()));
  ExpectHello(none);
  ASSERT_TRUE(none.Send(FileCall(1, "1", std::nullopt)));
  ExpectEnd(none, 1, absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(none.Send(SerializeFrame(CallFrame{.call = 2, .path = "/p.F/S"}) +
                        SerializeFrame(MessageFrame{.call = 2}, Value(""))));
  ExpectEnd(none, 2, absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace udsrpc::testing
