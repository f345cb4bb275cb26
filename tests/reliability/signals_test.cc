// Signals: every thread is interrupted about a thousand times a second, whatever it waits in, and no call notices; and
// nothing here raises SIGPIPE or needs it ignored.

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/async_call.h"
#include "tests/integration/combinations.h"
#include "tests/reliability/process_figures.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "tests/support/thread_sanitizer.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

std::atomic<int64_t> signals_handled{0};

// Interrupts all threads of the process, each about once a millisecond, without SA_RESTART; and by a timer whichever
// the kernel chooses.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction action {};
    action.sa_handler = [](int) { signals_handled.fetch_add(1, std::memory_order_relaxed); };
    sigemptyset(&action.sa_mask);
    EXPECT_EQ(sigaction(SIGALRM, &action, &before_), 0);
    const timeval millisecond{.tv_sec = 0, .tv_usec = 1000};
    const itimerval timer{.it_interval = millisecond, .it_value = millisecond};
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, nullptr), 0);
    thread_ = std::thread([this] {
      while (!stop_) {
        InterruptAll();
        absl::SleepFor(absl::Milliseconds(1));
      }
    });
  }
  ~Interruptions() {
    stop_ = true;
    thread_.join();
    const itimerval none{};
    setitimer(ITIMER_REAL, &none, nullptr);
    // One may be on its way still, for which the default would be the end.
    before_.sa_handler = SIG_IGN;
    sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  static void InterruptAll() {
    DIR* const tasks = opendir("/proc/self/task");
    if (tasks == nullptr) return;
    while (const dirent* const task = readdir(tasks)) {
      const int thread = std::atoi(task->d_name);
      if (thread > 0 && thread != gettid()) syscall(SYS_tgkill, getpid(), thread, SIGALRM);
    }
    closedir(tasks);
  }

  struct sigaction before_ {};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class SignalsTest : public CombinationTest {};
INSTANTIATE_TEST_SUITE_P(All, SignalsTest,
                         ::testing::Values(Combination{Transport::kSeqpacket, false},
                                           Combination{Transport::kGrpc, false}),
                         CombinationName);

TEST_P(SignalsTest, InterruptEverythingAndNoCallNotices) {
  if (kThreadSanitizer)
    GTEST_SKIP() << "its handlers (clang 14) wait for locks that the thread they interrupt may hold";
  const absl::Duration length = absl::Milliseconds(FromEnvironment("UDSRPC_SIGNALS_MS", 1500));
  const int64_t handled_before = signals_handled;
  std::atomic<int> rounds{0};
  {
    const Interruptions interruptions;
    const absl::Time end = absl::Now() + length;
    std::vector<std::thread> threads;
    const auto repeat = [&](auto body) {
      threads.emplace_back([&, body] {
        do {
          body();
          ++rounds;
        } while (absl::Now() < end);
      });
    };
    StartServer();
    const TestStub stub(MakeChannel());
    repeat([&] { ExpectEcho(stub, std::string(100'000, 'x')); });
    repeat([&] { ExpectEcho(TestStub(MakeChannel()), "on a new connection"); });
    repeat([&] {  // sleeps to its deadline, in the client and in the server
      ClientContext context;
      context.set_timeout(absl::Milliseconds(50));
      EchoReply reply;
      EXPECT_EQ(stub.Block(context, AtGate("never"), reply).code(), absl::StatusCode::kDeadlineExceeded);
    });
    repeat([&] {
      ClientContext context;
      context.set_timeout(kPatience);
      auto chat = stub.Chat(context);
      EchoRequest request;
      EchoReply reply;
      for (int i = 0; i < 10; ++i) {
        request.set_text(absl::StrCat(i, std::string(i % 2 == 0 ? 10 : 150'000, 'c')));
        EXPECT_TRUE(chat.Write(request));
        EXPECT_TRUE(chat.Read(reply));
        EXPECT_EQ(reply.text(), request.text());
      }
      chat.WritesDone();
      EXPECT_EQ(chat.Finish(), absl::OkStatus());
    });
    repeat([&] {
      ClientContext context;
      context.set_timeout(kPatience);
      CollectReply reply;
      auto collect = stub.Collect(context, reply);
      EchoRequest request;
      request.set_text(std::string(30'000, 'w'));
      for (int i = 0; i < 50; ++i) EXPECT_TRUE(collect.Write(request));
      EXPECT_EQ(collect.Finish(), absl::OkStatus());
      EXPECT_EQ(reply.bytes(), 50 * request.text().size());
    });
    repeat([&] {
      Event done;
      Spawn(CountMessages(stub, 50, 10'000), [&](int messages) {
        EXPECT_EQ(messages, 50);
        done.Happen();
      });
      EXPECT_TRUE(done.Await());
    });
    repeat([&] {
      Call call("called back");
      stub.Async().Echo(call.context, call.request, call.reply, call.Done());
      EXPECT_EQ(call.Await(), absl::StatusCode::kOk);
      EXPECT_EQ(call.reply.text(), "called back");
    });
    repeat([&] {  // servers that begin and end
      const TempDir dir;
      ServerBuilder builder;
      const std::string target = absl::StrCat("unix:", dir.File("s"));
      builder.AddEndpoint(target).RegisterService(&service_);
      absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
      ASSERT_TRUE(server.ok()) << server.status();
      ExpectEcho(TestStub(*CreateChannel(target, {.transport = GetParam().transport})), "of its own");
      (*server)->Shutdown(absl::Now() + kPatience);
    });
    for (std::thread& thread : threads) thread.join();
    server_->Shutdown(absl::Now() + kPatience);
  }
  EXPECT_GE(rounds, 8);
  RecordProperty("signals", absl::StrCat(signals_handled - handled_before));
  EXPECT_GT(signals_handled - handled_before, absl::ToInt64Milliseconds(length));
}

// SIGPIPE's default is to end the program.
TEST_P(SignalsTest, APeerThatDiesWhileItIsWrittenToRaisesNoSigpipe) {
  struct sigaction action {};
  ASSERT_EQ(sigaction(SIGPIPE, nullptr, &action), 0);
  const auto before = action.sa_handler;
  ASSERT_NE(signal(SIGPIPE, SIG_DFL), SIG_ERR);
  const TempDir dir;
  const std::string target = absl::StrCat("unix:", dir.File("s"));
  for (int round = 0; round < 5; ++round) {  // servers
    ChildProcess server({UDSRPC_TEST_SERVER, target});
    ASSERT_EQ(server.ReadLine(), "ready");
    const TestStub stub(*CreateChannel(target, {.transport = GetParam().transport}));
    ClientContext context;
    context.set_timeout(kPatience);
    CollectReply reply;
    auto collect = stub.Collect(context, reply);
    EchoRequest request;
    request.set_text(std::string(30'000, 'w'));
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(collect.Write(request));
    server.Kill(SIGKILL);
    while (collect.Write(request)) continue;
    EXPECT_EQ(collect.Finish().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(TryEcho(stub).code(), absl::StatusCode::kUnavailable);
  }
  StartServer();
  const TestStub stub(MakeChannel());
  for (int round = 0; round < 5; ++round) {  // clients
    ChildProcess client(
        {UDSRPC_USER_LOAD, target_, std::string(TransportName(GetParam().transport)), "4", "2000", "60", "60000"});
    ASSERT_EQ(client.ReadLine(), "ready");
    const int served = service_.echoes();
    ASSERT_TRUE(client.WriteLine("begin"));
    const absl::Time give_up = absl::Now() + kPatience;
    while (service_.echoes() < served + 100 && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(1));
    client.Kill(SIGKILL);
    EXPECT_EQ(client.Wait(), -SIGKILL);
    ExpectEcho(stub, "still here");
  }
  ASSERT_EQ(sigaction(SIGPIPE, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL) << "the library has changed what is the program's";
  signal(SIGPIPE, before);
}

}  // namespace
}  // namespace udsrpc::testing
