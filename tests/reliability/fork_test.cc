// fork(2) beside channels and servers: the child's use of them fails cleanly, and the parent notices nothing.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/async_call.h"
#include "tests/integration/combinations.h"
#include "tests/reliability/process_figures.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "tests/support/thread_sanitizer.h"

namespace udsrpc::testing {
namespace {

// Of a child, which it does not outlive.
constexpr unsigned kChildSeconds = 30;

// Forks, and has the child do something and end with what that gives: 0, or which of its steps failed. Returns that, or
// minus the signal by which it ended.
int InChild(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGALRM, SIG_DFL);
    alarm(kChildSeconds);
    _exit(body());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 255;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool NamesTheFork(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition && absl::StrContains(status.message(), "fork()");
}

class ForkTest : public ::testing::TestWithParam<Transport> {
 protected:
  void SetUp() override {
    ServerBuilder builder;
    builder.AddEndpoint(target_).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = std::make_unique<TestStub>(MakeChannel());
    ExpectEcho(*stub_, "before");
  }

  std::shared_ptr<Channel> MakeChannel() {
    absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target_, {.transport = GetParam()});
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *std::move(channel);
  }

  void TearDown() override {
    server_.reset();
    EXPECT_TRUE(dir_.IsEmpty());
  }

  const TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> stub_;
};
INSTANTIATE_TEST_SUITE_P(All, ForkTest, OneByOne(), TransportTestName);

TEST_P(ForkTest, TheChildsUseFailsAndTheParentsGoesOn) {
  ClientContext chat_context;
  auto chat = std::make_unique<ClientReaderWriter<EchoRequest, EchoReply>>(stub_->Chat(chat_context));
  EchoRequest request;
  EchoReply reply;
  request.set_text("before");
  ASSERT_TRUE(chat->Write(request));
  ASSERT_TRUE(chat->Read(reply));
  Call held;
  const BlockRequest at_gate = AtGate("gate");
  stub_->Async().Block(held.context, at_gate, held.reply, held.Done());
  ASSERT_TRUE(service_.AwaitArrivals("gate", 1));

  EXPECT_EQ(InChild([&] {
              ClientContext context;
              if (!NamesTheFork(stub_->Echo(context, request, reply))) return 1;
              ClientContext stream_context;
              auto stream = stub_->Chat(stream_context);
              if (stream.Write(request) || stream.Read(reply) || !NamesTheFork(stream.Finish())) return 2;
              if (chat->Write(request) || chat->Read(reply) || chat->WritesDone()) return 3;
              if (!NamesTheFork(chat->Finish())) return 4;
              held.context.Cancel();
              chat_context.Cancel();
              chat.reset();
              if (!kThreadSanitizer) {  // which ends a child that starts a thread
                Call call;
                Event ended;
                std::atomic<bool> right{false};
                stub_->Async().Echo(call.context, call.request, call.reply, [&](const absl::Status& status) {
                  right = NamesTheFork(status);
                  ended.Happen();
                });
                if (!ended.Await() || !right) return 5;
              }
              stub_.reset();
              if (server_->AddConnection(UniqueFd()).code() == absl::StatusCode::kOk) return 6;
              server_->Shutdown();
              server_->Wait();
              if (!server_->Stats().methods.empty()) return 7;
              server_.reset();
              return 0;
            }),
            0);

  for (int i = 0; i < 3; ++i) {
    request.set_text(absl::StrCat("after ", i));
    ASSERT_TRUE(chat->Write(request));
    ASSERT_TRUE(chat->Read(reply));
    EXPECT_EQ(reply.text(), request.text());
  }
  chat->WritesDone();
  EXPECT_EQ(chat->Finish(), absl::OkStatus());
  service_.Open("gate");
  EXPECT_EQ(held.Await(), absl::StatusCode::kOk);
  ExpectEcho(*stub_, "after");
  ExpectEcho(TestStub(MakeChannel()), "a new connection");
}

// Children at moments at which the parent's threads hold whatever they may hold.
TEST_P(ForkTest, ChildrenOfABusyProgramEndAndNoCallIsDisturbed) {
#ifdef UDSRPC_SANITIZED
  GTEST_SKIP() << "a sanitizer's allocator is left locked in a child by the threads that were in it";
#endif
  const int forks = FromEnvironment("UDSRPC_FORKS", 40);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> calls{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&, i] {
      EchoRequest request;
      EchoReply reply;
      while (!stop) {
        ClientContext context;
        request.set_text(std::string(i == 0 ? 100'000 : 10, 'x'));
        const absl::Status status = stub_->Echo(context, request, reply);
        EXPECT_EQ(status, absl::OkStatus());
        EXPECT_EQ(reply.text(), request.text());
        ++calls;
      }
    });
  }
  for (int i = 0; i < forks; ++i) {
    EXPECT_EQ(InChild([this] {
                ClientContext context;
                EchoReply reply;
                if (!NamesTheFork(stub_->Echo(context, {}, reply))) return 1;
                stub_.reset();
                server_.reset();
                // gRPC does not support to go on so.
                if (GetParam() == Transport::kGrpc) return 0;
                EchoRequest request;
                request.set_text(std::string(100'000, 'x'));
                ClientContext own_context;
                own_context.set_timeout(kPatience);
                const absl::Status status = TestStub(MakeChannel()).Echo(own_context, request, reply);
                return status.ok() && reply.text() == request.text() ? 0 : 2;
              }),
              0);
  }
  const int64_t before = calls;
  const absl::Time give_up = absl::Now() + kPatience;
  while (calls < before + 10 && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_GE(calls, before + 10);
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_P(ForkTest, AChildMayServeAndCallByItself) {
  if (GetParam() == Transport::kGrpc) GTEST_SKIP() << "gRPC does not support it";
  if (kThreadSanitizer) GTEST_SKIP() << "it ends a child that starts a thread";
  EXPECT_EQ(InChild([this] {
              TestServiceImpl service;
              ServerBuilder builder;
              const std::string target = absl::StrCat("unix:", dir_.File("child"));
              builder.AddEndpoint(target, {.grpc = false}).RegisterService(&service);
              absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
              if (!server.ok()) return 1;
              const TestStub stub(*CreateChannel(target, {.transport = Transport::kSeqpacket}));
              if (!TryEcho(stub).ok()) return 2;
              Call call;
              stub.Async().Echo(call.context, call.request, call.reply, call.Done());
              if (call.Await() != absl::StatusCode::kOk) return 3;
              // The parent's endpoint is the parent's.
              ServerBuilder thief;
              thief.AddEndpoint(target_).RegisterService(&service);
              return thief.Start().status().code() == absl::StatusCode::kAlreadyExists ? 0 : 4;
            }),
            0);
  ExpectEcho(*stub_, "after");
}

// The numbers that are open in a program that this one has become after a fork.
std::set<int> FilesOfAnotherProgram() {
  ChildProcess child({"ls", "/proc/self/fd"});
  std::set<int> files;
  std::istringstream lines(child.ReadAll());
  for (int file; lines >> file;) files.insert(file);
  EXPECT_EQ(child.Wait(), 0);
  return files;
}

TEST_P(ForkTest, NothingIsOpenInAProgramThatAChildBecomes) {
  if (kThreadSanitizer) GTEST_SKIP() << "its symbolizer's pipes are";
  stub_.reset();
  server_.reset();
  const std::set<int> before = FilesOfAnotherProgram();
  SetUp();
  ClientContext context;
  auto hold = stub_->Hold(context);
  EchoReply reply;
  ASSERT_TRUE(hold.Read(reply));
  std::vector<TestStub> more;
  Event ended;
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 8; ++i) {
    more.emplace_back(MakeChannel());
    calls.push_back(std::make_unique<Call>());
    more.back().Async().Echo(calls.back()->context, calls.back()->request, calls.back()->reply, calls.back()->Done());
  }
  EXPECT_EQ(FilesOfAnotherProgram(), before);
  for (const auto& call : calls) EXPECT_EQ(call->Await(), absl::StatusCode::kOk);
  EXPECT_EQ(FilesOfAnotherProgram(), before);
}

}  // namespace
}  // namespace udsrpc::testing
