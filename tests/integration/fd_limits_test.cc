// Descriptors that may not be sent, or of which there are too many: what ends with what, and that none stay open.

#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/integration/fd_service.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLongText = 300000;  // of a message that takes several packets

EchoRequest TextRequest(std::string text) {
  EchoRequest request;
  request.set_text(std::move(text));
  return request;
}

class FdLimitsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    stub_ = nullptr;
    server_ = nullptr;
    EXPECT_EQ(OpenFiles(), 0);
  }

  void Start(const ServerOptions& server_options, ChannelOptions options, Transport transport = Transport::kSeqpacket,
             bool with_grpc = false) {
    ServerBuilder builder(server_options);
    builder.AddEndpoint(target_, {.grpc = with_grpc}).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    options.transport = transport;
    stub_ = std::make_unique<TestStub>(*CreateChannel(target_, options));
  }

  absl::Status Echo(std::vector<UniqueFd> fds, const std::string& text = "0") {
    ClientContext context;
    context.set_timeout(kPatience);
    for (UniqueFd& fd : fds) context.AttachFd(std::move(fd));
    EchoReply reply;
    return stub_->Echo(context, TextRequest(text), reply);
  }

  absl::Status EchoAsync(std::vector<UniqueFd> fds) {
    ClientContext context;
    context.set_timeout(kPatience);
    for (UniqueFd& fd : fds) context.AttachFd(std::move(fd));
    EchoReply reply;
    absl::Status status;
    Event ended;
    stub_->Async().Echo(context, TextRequest("0"), reply, [&](absl::Status result) {
      status = std::move(result);
      ended.Happen();
    });
    EXPECT_TRUE(ended.Await());
    return status;
  }

  absl::Status Count(std::vector<UniqueFd> fds, int messages = 0) {
    ClientContext context;
    context.set_timeout(kPatience);
    for (UniqueFd& fd : fds) context.AttachFd(std::move(fd));
    InflateRequest request;
    request.set_messages(messages);
    ClientReader<EchoReply> reader = stub_->Count(context, request);
    EchoReply reply;
    while (reader.Read(reply)) {
    }
    return reader.Finish();
  }

  // Of a Chat whose second message has these; that is to fail.
  absl::Status Chat(std::vector<UniqueFd> fds) {
    ClientContext context;
    context.set_timeout(kPatience);
    ClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Chat(context);
    EXPECT_TRUE(chat.Write(TextRequest("first")));
    EchoReply reply;
    EXPECT_TRUE(chat.Read(reply));
    EXPECT_FALSE(chat.Write(TextRequest("second"), std::move(fds)));
    EXPECT_FALSE(chat.Read(reply));
    return chat.Finish();
  }

  Task<absl::Status> ChatByCoroutine(ClientContext& context, std::vector<UniqueFd> fds) {
    AsyncClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Async().Chat(context);
    const EchoRequest request = TextRequest("first");
    const bool written = co_await chat.Write(request, std::move(fds));
    EXPECT_FALSE(written);
    const std::optional<EchoReply> reply = co_await chat.Read();
    EXPECT_FALSE(reply.has_value());
    co_return co_await chat.Finish();
  }
  absl::Status ChatAsync(std::vector<UniqueFd> fds) {
    ClientContext context;
    context.set_timeout(kPatience);
    absl::Status status;
    Event ended;
    Spawn(ChatByCoroutine(context, std::move(fds)), [&](absl::Status result) {
      status = std::move(result);
      ended.Happen();
    });
    EXPECT_TRUE(ended.Await());
    return status;
  }

  absl::Status Collect(std::vector<UniqueFd> fds) {
    ClientContext context;
    context.set_timeout(kPatience);
    CollectReply reply;
    ClientWriter<EchoRequest, CollectReply> writer = stub_->Collect(context, reply);
    writer.Write(TextRequest("a"), std::move(fds));
    return writer.Finish();
  }

  // One of each kind, sent by the client.
  std::vector<absl::Status> SendEach(int count) {
    std::vector<absl::Status> all;
    all.push_back(Echo(FilesOf("f", count)));
    all.push_back(EchoAsync(FilesOf("f", count)));
    all.push_back(Count(FilesOf("f", count)));
    EXPECT_EQ(service_.calls, 0) << "nothing of them is sent";
    all.push_back(Chat(FilesOf("f", count)));
    all.push_back(ChatAsync(FilesOf("f", count)));
    all.push_back(Collect(FilesOf("f", count)));
    return all;
  }

  // The connection is as it was.
  void ExpectServed() {
    const absl::Status status = Echo({});
    EXPECT_TRUE(status.ok()) << status;
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  FdService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> stub_;
};

TEST_F(FdLimitsTest, ClientsAreRefusedByAServerThatWantsNone) {
  Start({}, {.max_receive_fds = 9});
  for (const absl::Status& status : SendEach(1)) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("ServerOptions::max_receive_fds"));
  }
  ExpectServed();
}

TEST_F(FdLimitsTest, ServersAreRefusedByAClientThatWantsNone) {
  Start({.max_receive_fds = 9}, {});
  for (const absl::Status& status : {Echo({}, "1"), Count({}, 1), Collect({})}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("ChannelOptions::max_receive_fds"));
  }
  ExpectServed();
}

TEST_F(FdLimitsTest, MoreThanTheServerAcceptsAreNotSent) {
  Start({.max_receive_fds = 2}, {.max_receive_fds = 9});
  for (const absl::Status& status : SendEach(3)) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  }
  EXPECT_EQ(Echo(FilesOf("f", 2)), absl::OkStatus());
}

TEST_F(FdLimitsTest, MoreThanTheKernelTakesAreNotSent) {
  Start({.max_receive_fds = 1000, .max_untaken_fds = 1000}, {.max_receive_fds = 1000});
  EXPECT_EQ(Echo(FilesOf("f", 254)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Echo(FilesOf("f", 253)), absl::OkStatus());
}

TEST_F(FdLimitsTest, MoreThanTheClientAcceptsAreNotSent) {
  Start({}, {.max_receive_fds = 2});
  EXPECT_EQ(Echo({}, "3").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Echo({}, "2"), absl::OkStatus());
}

TEST_F(FdLimitsTest, TheContextsAreForTheOneMessage) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9});
  ClientContext context;
  context.set_timeout(kPatience);
  context.AttachFd(FileOf("f"));
  const absl::Status status = stub_->Chat(context).Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("give them to its Write"));
}

TEST_F(FdLimitsTest, OnesThatAreNotValidAreNotSent) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9});
  EXPECT_EQ(Echo(MakeFds(FileOf("f"), UniqueFd())).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Chat(MakeFds(UniqueFd())).code(), absl::StatusCode::kInvalidArgument);
  ExpectServed();
}

// A number that nothing is open at, which the kernel refuses. To close it does nothing.
UniqueFd Dangling() { return UniqueFd(1 << 29); }

TEST_F(FdLimitsTest, OnesThatTheKernelRefusesEndTheirCallAlone) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9});
  ClientContext bystander_context;
  bystander_context.set_timeout(kPatience);
  ClientReaderWriter<EchoRequest, EchoReply> bystander = stub_->Chat(bystander_context);
  for (const std::string& text : {std::string("0"), "0" + std::string(kLongText, ' ')}) {
    for (int round = 0; round < 3; ++round) {
      const absl::Status status = Echo(MakeFds(FileOf("f"), Dangling()), text);
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("could not send"));
    }
    ClientContext context;
    context.set_timeout(kPatience);
    ClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Chat(context);
    EXPECT_TRUE(chat.Write(TextRequest("first"), MakeFds(FileOf("f"))));
    EchoReply reply;
    EXPECT_TRUE(chat.Read(reply));
    chat.Write(TextRequest(text), MakeFds(Dangling()));
    EXPECT_FALSE(chat.Read(reply));
    EXPECT_EQ(chat.Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(bystander.Write(TextRequest("well"), MakeFds(FileOf("f"))));
  EchoReply reply;
  EXPECT_TRUE(bystander.Read(reply));
  EXPECT_EQ(TextOf(bystander.TakeFds()), "f");
  bystander.WritesDone();
  EXPECT_EQ(bystander.Finish(), absl::OkStatus());
}

// Sends what the kernel refuses.
class DanglingService final : public TestService {
 public:
  absl::Status Echo(ServerContext& context, const EchoRequest& request, EchoReply& reply) override {
    reply.set_text(request.text());
    context.AttachFd(Dangling());
    return absl::OkStatus();
  }
  absl::Status Count(ServerContext&, const InflateRequest& request, ServerWriter<EchoReply>& writer) override {
    EchoReply reply;
    reply.set_text(std::string(request.bytes(), 'x'));
    writer.Write(reply);
    writer.Write(reply, MakeFds(Dangling()));
    writer.Write(reply);
    return absl::OkStatus();
  }
  absl::Status Chat(ServerContext&, ServerReaderWriter<EchoReply, EchoRequest>&) override { return absl::OkStatus(); }
  // What goes with a message of a stream is not for the context.
  absl::Status Hold(ServerContext& context, ServerReaderWriter<EchoReply, EchoRequest>&) override {
    context.AttachFd(FileOf("f"));
    return absl::OkStatus();
  }
};

TEST_F(FdLimitsTest, OfAHandlerLikewise) {
  DanglingService service;
  ServerBuilder builder;
  builder.AddEndpoint(target_, {.grpc = false}).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  stub_ =
      std::make_unique<TestStub>(*CreateChannel(target_, {.transport = Transport::kSeqpacket, .max_receive_fds = 9}));
  for (const size_t bytes : {size_t{1}, kLongText}) {
    const absl::Status status = Echo({}, std::string(bytes, ' '));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    ClientContext context;
    context.set_timeout(kPatience);
    InflateRequest request;
    request.set_bytes(bytes);
    ClientReader<EchoReply> reader = stub_->Count(context, request);
    EchoReply reply;
    EXPECT_TRUE(reader.Read(reply));
    EXPECT_FALSE(reader.Read(reply));
    EXPECT_EQ(reader.Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  ClientContext context;
  context.set_timeout(kPatience);
  EXPECT_EQ(stub_->Chat(context).Finish(), absl::OkStatus());
  ClientContext hold_context;
  hold_context.set_timeout(kPatience);
  const absl::Status status = stub_->Hold(hold_context).Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("give them to its Write"));
}

TEST_F(FdLimitsTest, TooManyThatNobodyTakesEndTheirCallAlone) {
  Start({.max_receive_fds = 2, .max_untaken_fds = 5}, {.max_receive_fds = 2});
  ClientContext context;
  context.set_timeout(kPatience);
  {
    ClientReaderWriter<EchoRequest, EchoReply> hold = stub_->Hold(context);
    EXPECT_TRUE(hold.Write(TextRequest("a"), FilesOf("a", 2)));
    EXPECT_TRUE(hold.Write(TextRequest("b"), FilesOf("b", 2)));
    ASSERT_TRUE(service_.arrived.Await());
    EXPECT_EQ(Echo(FilesOf("c", 1)), absl::OkStatus());
    const absl::Status status = Echo(FilesOf("c", 2));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("max_untaken_fds"));
    ExpectServed();
    hold.Write(TextRequest("d"), FilesOf("d", 2));  // one too many of its own
    ExpectServed();                                 // and behind it
    service_.go_on.Happen();
    EchoReply reply;
    EXPECT_FALSE(hold.Read(reply));
    EXPECT_EQ(hold.Finish().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(OpenFilesBecome(0));
  EXPECT_EQ(Echo(FilesOf("e", 2)), absl::OkStatus());
}

TEST_F(FdLimitsTest, AUsersConnectionsShareItsBound) {
  Start({.max_receive_fds = 2, .user_limits_of = {{geteuid(), {.max_untaken_fds = 3}}}}, {.max_receive_fds = 2});
  const std::unique_ptr<TestStub> first = std::move(stub_);
  stub_ =
      std::make_unique<TestStub>(*CreateChannel(target_, {.transport = Transport::kSeqpacket, .max_receive_fds = 2}));
  ClientContext context;
  context.set_timeout(kPatience);
  {
    ClientReaderWriter<EchoRequest, EchoReply> hold = first->Hold(context);
    EXPECT_TRUE(hold.Write(TextRequest("a"), FilesOf("a", 2)));
    ASSERT_TRUE(service_.arrived.Await());
    EXPECT_EQ(Echo(FilesOf("b", 1)), absl::OkStatus());
    EXPECT_EQ(Echo(FilesOf("b", 2)).code(), absl::StatusCode::kResourceExhausted);
    service_.go_on.Happen();
  }
  EXPECT_TRUE(OpenFilesBecome(0));
  EXPECT_EQ(Echo(FilesOf("c", 2)), absl::OkStatus());
}

TEST_F(FdLimitsTest, TooManyThatAClientDoesNotTakeEndTheirCallAlone) {
  Start({}, {.max_receive_fds = 2, .max_untaken_fds = 3});
  ClientContext first;
  first.set_timeout(kPatience);
  EchoReply reply;
  EXPECT_EQ(stub_->Echo(first, TextRequest("2"), reply), absl::OkStatus());
  EXPECT_EQ(Echo({}, "2").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Echo({}, "1"), absl::OkStatus());
  EXPECT_EQ(TextOf(first.TakeFds()), "reply0|reply1");
  EXPECT_EQ(Echo({}, "2"), absl::OkStatus());
}

// This process may have no more than it has, as long as this lives, but for `more`.
class FewFiles {
 public:
  explicit FewFiles(int more) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    // The lowest numbers that are free are the next to be used.
    std::vector<UniqueFd> next;
    for (int i = 0; i <= more; ++i) next.emplace_back(fcntl(0, F_DUPFD_CLOEXEC, 0));
    rlimit fewer = before_;
    fewer.rlim_cur = static_cast<rlim_t>(next.back().get());
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &fewer), 0);
  }
  ~FewFiles() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_;
};

TEST_F(FdLimitsTest, AProcessThatMayHaveNoMoreLosesTheCallAlone) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9});
  ClientContext context;
  context.set_timeout(kPatience);
  ClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Chat(context);
  EXPECT_TRUE(chat.Write(TextRequest("a")));
  EchoReply reply;
  EXPECT_TRUE(chat.Read(reply));
  std::vector<UniqueFd> files = FilesOf("f", 8);
  {
    const FewFiles few(3);
    const absl::Status status = Echo(std::move(files));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("limit of open files"));
  }
  EXPECT_TRUE(chat.Write(TextRequest("b"), MakeFds(FileOf("b"))));
  EXPECT_TRUE(chat.Read(reply));
  EXPECT_EQ(TextOf(chat.TakeFds()), "b");
  chat.WritesDone();
  EXPECT_EQ(chat.Finish(), absl::OkStatus());
}

// Half of them are refused by one side or the other, cancelled, or fail; of the others some are not taken.
TEST_F(FdLimitsTest, TenThousandCallsLeaveNoneOpen) {
  Start({.max_receive_fds = 3}, {.max_receive_fds = 2});
  ExpectServed();
  const auto open_at_all = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = open_at_all();
  int failed = 0;
  for (int i = 0; i < 2000; ++i) {
    failed += !Echo(FilesOf("f", 1), "1").ok();
    failed += !Echo(FilesOf("f", 4), "0").ok();                     // more than the server accepts
    failed += !Echo(FilesOf("f", 1), i % 2 == 0 ? "3" : "2").ok();  // more than the client accepts
    failed += !Echo(MakeFds(FileOf("f"), Dangling())).ok();         // not taken by the kernel
    ClientContext context;
    context.set_timeout(kPatience);
    ClientReaderWriter<EchoRequest, EchoReply> chat = stub_->Chat(context);
    EXPECT_TRUE(chat.Write(TextRequest("a"), MakeFds(FileOf("f"))));
    if (i % 2 == 0) context.Cancel();
    chat.WritesDone();
    failed += !chat.Finish().ok();
  }
  EXPECT_GE(failed, 5000);
  EXPECT_TRUE(OpenFilesBecome(0));
  EXPECT_EQ(open_at_all(), before);
}

#ifndef UDSRPC_TEST_WITHOUT_GRPC

TEST_F(FdLimitsTest, OverGrpcClientsCannotSendAny) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9}, Transport::kGrpc, /*with_grpc=*/true);
  for (const absl::Status& status : SendEach(1)) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("kSeqpacket"));
  }
  ExpectServed();
}

TEST_F(FdLimitsTest, OverGrpcHandlersCannotSendAny) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9}, Transport::kGrpc, /*with_grpc=*/true);
  for (const absl::Status& status : {Echo({}, "1"), Count({}, 1), Collect({})}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("kSeqpacket"));
  }
  ExpectServed();
}

TEST_F(FdLimitsTest, OverAutoTheTransportDecides) {
  Start({.max_receive_fds = 9}, {.max_receive_fds = 9}, Transport::kAuto, /*with_grpc=*/true);
  EXPECT_EQ(Echo(FilesOf("f", 2), "2"), absl::OkStatus());
}

#endif  // UDSRPC_TEST_WITHOUT_GRPC

}  // namespace
}  // namespace udsrpc::testing
