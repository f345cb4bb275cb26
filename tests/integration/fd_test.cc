// Descriptors in calls over seqpacket: they come with the messages that they were sent with, in all kinds of calls.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/integration/fd_service.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

constexpr size_t kLong = 300000;  // of a message that takes several packets

class FdTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StartServer({.max_receive_fds = 253, .max_untaken_fds = 1000});
    context_.set_timeout(kPatience);
  }
  void TearDown() override {
    stub_ = nullptr;
    server_ = nullptr;
    EXPECT_EQ(OpenFiles(), 0);
  }

  void StartServer(const ServerOptions& options) {
    ServerBuilder builder(options);
    builder.AddEndpoint(target_, {.grpc = false}).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<TestStub> MakeStub(ChannelOptions options = {.max_receive_fds = 253, .max_untaken_fds = 1000}) {
    options.transport = Transport::kSeqpacket;
    return std::make_unique<TestStub>(*CreateChannel(target_, options));
  }

  // Replies to a unary call that sends that many, and asks for that many.
  void ExpectUnary(int sent, int asked) {
    ClientContext context;
    context.set_timeout(kPatience);
    std::string expected;
    for (UniqueFd& file : FilesOf("request", sent)) context.AttachFd(std::move(file));
    EchoRequest request;
    request.set_text(absl::StrCat(asked));
    EchoReply reply;
    const absl::Status status = stub_->Echo(context, request, reply);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(reply.text(), TextOf(FilesOf("request", sent)));
    EXPECT_EQ(TextOf(context.TakeFds()), TextOf(FilesOf("reply", asked)));
    EXPECT_TRUE(context.TakeFds().empty());
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  FdService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> stub_ = MakeStub();
  ClientContext context_;
};

EchoRequest RequestOf(std::string text) {
  EchoRequest request;
  request.set_text(std::move(text));
  return request;
}

TEST_F(FdTest, ComeWithUnaryRequestsAndResponses) {
  for (const int sent : {1, 0, 2, 253, 0, 3}) {
    for (const int asked : {0, 1, 253, 2}) ExpectUnary(sent, asked);
  }
}

TEST_F(FdTest, ComeWithTheRequestAndTheMessagesOfAServerStream) {
  for (const size_t bytes : {size_t{10}, kLong}) {
    ClientContext context;
    context.set_timeout(kPatience);
    for (UniqueFd& file : FilesOf("request", 2)) context.AttachFd(std::move(file));
    InflateRequest request;
    request.set_messages(10);
    request.set_bytes(bytes);
    ClientReader<EchoReply> reader = stub_->Count(context, request);
    EchoReply reply;
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(reader.Read(reply));
      if (i == 0) {
        EXPECT_EQ(reply.text(), "request0|request1");
      }
      EXPECT_EQ(TextOf(reader.TakeFds()), i % 3 == 2 ? "" : absl::StrCat("message", i));
      EXPECT_TRUE(reader.TakeFds().empty());
    }
    EXPECT_FALSE(reader.Read(reply));
    EXPECT_EQ(reader.Finish(), absl::OkStatus());
  }
}

TEST_F(FdTest, ComeWithTheMessagesAndTheResponseOfAClientStream) {
  CollectReply reply;
  ClientWriter<EchoRequest, CollectReply> writer = stub_->Collect(context_, reply);
  EXPECT_TRUE(writer.Write(RequestOf("a"), MakeFds(FileOf("a"))));
  EXPECT_TRUE(writer.Write(RequestOf("b")));
  EXPECT_TRUE(writer.Write(RequestOf(std::string(kLong, 'c')), MakeFds(FileOf("c"), FileOf("d"))));
  EXPECT_TRUE(writer.Write(RequestOf(std::string(kLong, 'd')), {}));
  EXPECT_TRUE(writer.WriteLast(RequestOf("e"), MakeFds(FileOf("e"))));
  EXPECT_EQ(writer.Finish(), absl::OkStatus());
  EXPECT_EQ(reply.messages(), 5U);
  EXPECT_EQ(TextOf(context_.TakeFds()), "[a][][c|d][][e]");
}

TEST_F(FdTest, ComeWithTheMessagesOfABidirectionalStream) {
  ClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Chat(context_);
  EchoReply reply;
  for (int i = 0; i < 100; ++i) {
    const std::string text = i % 5 == 4 ? std::string(kLong, 'x') : absl::StrCat(i);
    ASSERT_TRUE(chat.Write(RequestOf(text), FilesOf(absl::StrCat(i, "."), i % 4)));
    if (i % 7 == 0) {
      ASSERT_TRUE(chat.Write(RequestOf("between")));
    }
    ASSERT_TRUE(chat.Read(reply));
    EXPECT_EQ(reply.text(), text);
    EXPECT_EQ(TextOf(chat.TakeFds()), TextOf(FilesOf(absl::StrCat(i, "."), i % 4)));
    if (i % 7 == 0) {
      ASSERT_TRUE(chat.Read(reply));
      EXPECT_EQ(reply.text(), "between");
      EXPECT_TRUE(chat.TakeFds().empty());
    }
  }
  chat.WritesDone();
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

// What many messages have is in the order of the messages, though they wait in one packet after the other.
TEST_F(FdTest, KeepTheirMessagesWhenManyWait) {
  ClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Chat(context_);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(chat.Write(RequestOf(absl::StrCat(i)), FilesOf(absl::StrCat(i, "."), 3)));
  EchoReply reply;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(chat.Read(reply));
    EXPECT_EQ(TextOf(chat.TakeFds()), TextOf(FilesOf(absl::StrCat(i, "."), 3)));
  }
  chat.WritesDone();
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

TEST_F(FdTest, ComeWithLongRequestsAndResponses) {
  ClientContext context;
  context.set_timeout(kPatience);
  context.AttachFd(FileOf("long"));
  EchoRequest request;
  request.set_text(absl::StrCat("2", std::string(kLong, ' ')));
  EchoReply reply;
  ASSERT_EQ(stub_->Echo(context, request, reply), absl::OkStatus());
  EXPECT_EQ(reply.text(), absl::StrCat("long", std::string(kLong + 1, ' ')));
  EXPECT_EQ(TextOf(context.TakeFds()), "reply0|reply1");
}

TEST_F(FdTest, ComeWithAsynchronousCalls) {
  for (const std::string& padding : {std::string(), std::string(kLong, ' ')}) {
    ClientContext context;
    context.set_timeout(kPatience);
    context.AttachFd(FileOf("async"));
    EchoRequest request;
    request.set_text("3" + padding);
    EchoReply reply;
    absl::Status status;
    Event ended;
    stub_->Async().Echo(context, request, reply, [&](absl::Status result) {
      status = std::move(result);
      ended.Happen();
    });
    ASSERT_TRUE(ended.Await());
    EXPECT_EQ(status, absl::OkStatus());
    EXPECT_EQ(reply.text().substr(0, 5), "async");
    EXPECT_EQ(reply.text().size() > kLong, !padding.empty());
    EXPECT_EQ(TextOf(context.TakeFds()), "reply0|reply1|reply2");
  }
}

Task<absl::Status> ChatAsync(const TestStub& stub, ClientContext& context) {
  AsyncClientReaderWriter<EchoRequest, EchoReply> chat = stub.Async().Chat(context);
  for (int i = 0; i < 20; ++i) {
    const EchoRequest request = RequestOf(i % 5 == 4 ? std::string(kLong, 'x') : absl::StrCat(i));
    const bool written = co_await chat.Write(request, FilesOf(absl::StrCat(i, "."), i % 3));
    EXPECT_TRUE(written);
    const std::optional<EchoReply> reply = co_await chat.Read();
    EXPECT_TRUE(reply.has_value());
    EXPECT_EQ(TextOf(chat.TakeFds()), TextOf(FilesOf(absl::StrCat(i, "."), i % 3)));
  }
  const bool done = co_await chat.WritesDone();
  EXPECT_TRUE(done);
  co_return co_await chat.Finish();
}

TEST_F(FdTest, ComeWithStreamsOfCoroutines) {
  absl::Status status;
  Event ended;
  Spawn(ChatAsync(*stub_, context_), [&](absl::Status result) {
    status = std::move(result);
    ended.Happen();
  });
  ASSERT_TRUE(ended.Await());
  EXPECT_EQ(status, absl::OkStatus());
}

// The same service by coroutines.
class AsyncFdService final : public TestService {
 public:
  Task<absl::Status> EchoAsync(ServerContext& context, const EchoRequest& request, EchoReply& reply) override {
    reply.set_text(TextOf(context.TakeFds()));
    for (UniqueFd& file : FilesOf("reply", atoi(request.text().c_str()))) context.AttachFd(std::move(file));
    if (request.text().size() > 100) reply.mutable_text()->append(kLong, ' ');
    co_return absl::OkStatus();
  }
  Task<absl::Status> ChatAsync(ServerContext&, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) override {
    for (;;) {
      const std::optional<EchoRequest> request = co_await stream.Read();
      if (!request) co_return absl::OkStatus();
      EchoReply reply;
      reply.set_text(request->text());
      const bool written = co_await stream.Write(reply, stream.TakeFds());
      if (!written) co_return absl::AbortedError("a message was not wanted");
    }
  }
};

TEST_F(FdTest, ComeFromAndToCoroutineHandlers) {
  AsyncFdService service;
  const std::string target = absl::StrCat("unix:", dir_.File("async"));
  ServerBuilder builder({.max_receive_fds = 253});
  builder.AddEndpoint(target, {.grpc = false}).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const TestStub stub(*CreateChannel(target, {.transport = Transport::kSeqpacket, .max_receive_fds = 253}));
  for (const std::string& padding : {std::string(), std::string(kLong, ' ')}) {
    ClientContext context;
    context.set_timeout(kPatience);
    context.AttachFd(FileOf("to a coroutine"));
    EchoReply reply;
    ASSERT_EQ(stub.Echo(context, RequestOf("2" + padding), reply), absl::OkStatus());
    EXPECT_EQ(reply.text().substr(0, 14), "to a coroutine");
    EXPECT_EQ(TextOf(context.TakeFds()), "reply0|reply1");
  }
  absl::Status status;
  Event ended;
  Spawn(ChatAsync(stub, context_), [&](absl::Status result) {
    status = std::move(result);
    ended.Happen();
  });
  ASSERT_TRUE(ended.Await());
  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FdTest, PassInterceptors) {
  AsyncFdService coroutines;
  for (TestService* service : std::vector<TestService*>{&service_, &coroutines}) {
    ServerBuilder builder({.max_receive_fds = 253, .interceptors = {[](const MethodDescriptor&) {
                                                     return std::make_unique<ServerInterceptor>();
                                                   }}});
    const std::string target = absl::StrCat("unix:", dir_.File("intercepted"));
    builder.AddEndpoint(target, {.grpc = false}).RegisterService(service);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    const TestStub stub(*CreateChannel(
        target, {.transport = Transport::kSeqpacket,
                 .max_receive_fds = 253,
                 .interceptors = {[](const MethodDescriptor&) { return std::make_unique<ClientInterceptor>(); }}}));
    ClientContext context;
    context.set_timeout(kPatience);
    ClientReaderWriter<EchoRequest, EchoReply> chat = stub.Chat(context);
    EXPECT_TRUE(chat.Write(RequestOf("a"), MakeFds(FileOf("seen"))));
    EchoReply reply;
    EXPECT_TRUE(chat.Read(reply));
    EXPECT_EQ(TextOf(chat.TakeFds()), "seen");
    chat.WritesDone();
    EXPECT_EQ(chat.Finish(), absl::OkStatus());
    ClientContext async_context;
    async_context.set_timeout(kPatience);
    absl::Status status;
    Event ended;
    Spawn(ChatAsync(stub, async_context), [&](absl::Status result) {
      status = std::move(result);
      ended.Happen();
    });
    ASSERT_TRUE(ended.Await());
    EXPECT_EQ(status, absl::OkStatus());
  }
}

// The server has gone and come again, unseen: the call that finds the old connection dead is made again.
TEST_F(FdTest, AreThereWhenACallIsMadeAgain) {
  ExpectUnary(1, 1);
  for (int round = 0; round < 3; ++round) {
    server_ = nullptr;
    StartServer({.max_receive_fds = 3});
    ExpectUnary(3, 2);
  }
}

TEST_F(FdTest, AreClosedWhereNobodyTakesThem) {
  Witness request;
  Witness message;
  service_.go_on.Happen();
  {
    ClientContext context;
    context.set_timeout(kPatience);
    context.AttachFd(request.Give());
    EchoReply reply;
    EXPECT_EQ(stub_->Block(context, BlockRequest(), reply), absl::OkStatus());
    EXPECT_TRUE(request.ClosedEverywhere()) << "though the context is there still";
  }
  ClientReaderWriter<EchoRequest, EchoReply> hold = stub_->Hold(context_);
  EXPECT_TRUE(hold.Write(RequestOf("a"), MakeFds(message.Give())));
  EXPECT_TRUE(hold.Write(RequestOf("b")));
  EXPECT_TRUE(message.ClosedEverywhere()) << "by the next Read";
  hold.WritesDone();
  EXPECT_EQ(hold.Finish(), absl::OkStatus());
  {
    ClientContext context;
    context.set_timeout(kPatience);
    EchoReply reply;
    EXPECT_EQ(stub_->Echo(context, RequestOf("2"), reply), absl::OkStatus());
    EXPECT_TRUE(OpenFilesBecome(2)) << "those of the response, in the context";
  }
  EXPECT_EQ(OpenFiles(), 0);
}

TEST_F(FdTest, AreClosedWhenTheCallIsCancelled) {
  Witness request;
  Witness message;
  ClientContext context;
  context.AttachFd(request.Give());
  Event ended;
  EchoReply reply;
  BlockRequest block;
  absl::Status status;
  stub_->Async().Block(context, block, reply, [&](absl::Status result) {
    status = std::move(result);
    ended.Happen();
  });
  ASSERT_TRUE(service_.arrived.Await());
  {
    ClientReaderWriter<EchoRequest, EchoReply> hold = stub_->Hold(context_);
    EXPECT_TRUE(hold.Write(RequestOf("a"), MakeFds(message.Give())));
    ASSERT_TRUE(service_.arrived.Await(2));
    context.Cancel();
    ASSERT_TRUE(ended.Await());
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_TRUE(request.ClosedEverywhere());
    context_.Cancel();
  }
  EXPECT_TRUE(message.ClosedEverywhere());
}

TEST_F(FdTest, AreClosedWhenTheConnectionIsLost) {
  Witness message;
  ClientReaderWriter<EchoRequest, EchoReply> hold = stub_->Hold(context_);
  EXPECT_TRUE(hold.Write(RequestOf("a"), MakeFds(message.Give())));
  ASSERT_TRUE(service_.arrived.Await());
  service_.go_on.Happen();
  server_ = nullptr;  // cancels what runs
  EXPECT_TRUE(message.ClosedEverywhere());
  EXPECT_FALSE(hold.Finish().ok());
}

}  // namespace
}  // namespace udsrpc::testing
