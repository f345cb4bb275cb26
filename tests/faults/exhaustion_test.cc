// What is not to be had for a while: descriptors, threads, memory for what is on its way. What needs it waits or fails,
// says so, and takes no CPU meanwhile; all others go on; and when it is to be had again all is as before.

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/faults/fault_plan.h"
#include "tests/faults/scenario.h"
#include "tests/faults/world.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

// So long that what does not wait, but asks again and again, is told from what asks now and then.
constexpr absl::Duration kLook = absl::Milliseconds(300);
// Of that time, on one CPU. A thread that asks every 10 ms takes a hundredth; one that does nothing else all of it.
constexpr double kMostCpu = 0.3;

// The share of a CPU that a process takes for a while.
double CpuShare(clockid_t clock) {
  const auto now = [clock] {
    timespec time{};
    EXPECT_EQ(clock_gettime(clock, &time), 0);
    return absl::DurationFromTimespec(time);
  };
  const absl::Duration before = now();
  const absl::Time start = absl::Now();
  absl::SleepFor(kLook);
  return absl::FDivDuration(now() - before, absl::Now() - start);
}

// What a server says to nobody in particular.
class Log {
 public:
  std::function<void(absl::string_view)> Sink() {
    return [this](absl::string_view line) {
      internal::MutexLock lock(mutex_);
      lines_.emplace_back(line);
      changed_.SignalAll();
    };
  }
  // Waits for a line with this in it.
  bool Says(absl::string_view text) {
    const absl::Time give_up = absl::Now() + kPatience;
    internal::MutexLock lock(mutex_);
    for (;;) {
      for (const std::string& line : lines_) {
        if (absl::StrContains(line, text)) return true;
      }
      if (changed_.WaitWithDeadline(mutex_, give_up)) return false;
    }
  }
  size_t lines() const {
    internal::MutexLock lock(mutex_);
    return lines_.size();
  }

 private:
  mutable internal::Mutex mutex_;
  internal::CondVar changed_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

absl::Status EchoWithin(const TestStub& stub, absl::Duration bound) {
  ClientContext context;
  context.set_timeout(bound);
  EchoReply reply;
  return stub.Echo(context, EchoText("echo"), reply);
}

class ExhaustionTest : public ::testing::TestWithParam<Transport> {
 protected:
  static World::Options Options(Log& log) {
    World::Options options;
    options.transport = GetParam();
    options.server.log = log.Sink();
    return options;
  }
};

// Whatever it is that accept(2) wants.
TEST_P(ExhaustionTest, AListenerWithoutDescriptorsWaitsAndSaysSo) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    SCOPED_TRACE(strerrorname_np(error));
    Log log;
    World world{Options(log)};
    const TestStub stub = world.Connect();
    absl::Status status;
    std::thread caller;
    {
      const ArmedFault armed({.call = SystemCall::kAccept, .error = error, .times = Fault::kForGood});
      caller = StartThread([&] { status = EchoWithin(stub, kPatience); });
      EXPECT_TRUE(log.Says(absl::StrCat(world.target(), ": cannot accept connections: ", strerror(error))));
      EXPECT_LT(CpuShare(CLOCK_PROCESS_CPUTIME_ID), kMostCpu);
      world.ExpectOthersAreServed();
      EXPECT_LE(FaultPlan::Get().injected(), 1000) << "it asks again and again";
      EXPECT_EQ(log.lines(), 1U) << "once is enough";
    }
    caller.join();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(log.Says("accepts connections again"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExhaustionTest, OneByOne(), TransportTestName);

// The real limit, of a process of its own.
class LimitedServerTest : public ::testing::TestWithParam<Transport> {
 protected:
  TempDir dir_;
  const std::string target_ = "unix:" + dir_.File("s");
};

TEST_P(LimitedServerTest, AtTheLimitOfOpenFilesConnectionsWaitUntilOthersClose) {
#ifdef UDSRPC_SANITIZED
  GTEST_SKIP() << "UBSan opens a pipe to see whether an object is one, and takes it for none where it cannot";
#endif
  constexpr int kLimit = 64;
  ChildProcess server({"/bin/sh", "-c", absl::StrCat("ulimit -n ", kLimit, " && exec \"$0\" \"$@\" 2>&1"),
                       UDSRPC_TEST_SERVER, target_});
  ASSERT_EQ(server.ReadLine(), "ready");
  std::vector<std::unique_ptr<TestStub>> served;
  std::unique_ptr<TestStub> waits;
  absl::Status status;
  // Each has a connection of its own, until one has to wait.
  for (int i = 0; i < 2 * kLimit; ++i) {
    auto stub = std::make_unique<TestStub>(*CreateChannel(target_, {.transport = GetParam()}));
    status = EchoWithin(*stub, absl::Seconds(2));
    if (!status.ok()) {
      waits = std::move(stub);
      break;
    }
    served.push_back(std::move(stub));
  }
  ASSERT_TRUE(absl::IsDeadlineExceeded(status)) << served.size() << " are served, and then: " << status;
  EXPECT_GT(served.size(), 5U);
  EXPECT_THAT(server.ReadLine().value_or(""), HasSubstr("cannot accept connections: Too many open files"));
  clockid_t clock;
  ASSERT_EQ(clock_getcpuclockid(server.pid(), &clock), 0);
  EXPECT_LT(CpuShare(clock), kMostCpu);
  for (const auto& stub : served) EXPECT_TRUE(EchoWithin(*stub, kPatience).ok());
  served.resize(served.size() / 2);
  EXPECT_TRUE(AnsweredWithin(*waits, kPatience));
  EXPECT_THAT(server.ReadLine().value_or(""), HasSubstr("accepts connections again"));
  served.clear();
  waits.reset();
  server.CloseInput();
  EXPECT_EQ(server.ReadLine(), "done");
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_TRUE(dir_.IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, LimitedServerTest, OneByOne(), TransportTestName);

// A client that has none left.
TEST(ExhaustedClientTest, WithoutDescriptorsCallsFailAndSayWhatToRaise) {
  World world{World::Options()};
  const TestStub connected = world.Connect();
  EXPECT_TRUE(EchoWithin(connected, kPatience).ok());
  const TestStub stub = world.Connect();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  {
    const UniqueFd next(fcntl(0, F_DUPFD_CLOEXEC, 0));
    rlimit fewer = before;
    fewer.rlim_cur = static_cast<rlim_t>(next.get());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &fewer), 0);
  }
  const absl::Status status = EchoWithin(stub, kPatience);
  EXPECT_TRUE(EchoWithin(connected, kPatience).ok());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(world.target()));
  EXPECT_THAT(std::string(status.message()), HasSubstr("raise the limit of open files"));
  EXPECT_TRUE(EchoWithin(stub, kPatience).ok());
}

// A socket that the kernel has no memory to send on is not asked again and again.
TEST(ExhaustedMemoryTest, WhatCannotBeSentWaits) {
  for (const int error : {ENOBUFS, ENOMEM}) {
    SCOPED_TRACE(strerrorname_np(error));
    World world{World::Options()};
    const TestStub stub = world.Connect();
    EXPECT_TRUE(EchoWithin(stub, kPatience).ok());
    absl::Status status;
    std::thread caller;
    {
      const ArmedFault armed({.call = SystemCall::kSend, .error = error, .times = Fault::kForGood});
      caller = StartThread([&] { status = EchoWithin(stub, kPatience); });
      const absl::Time give_up = absl::Now() + kPatience;  // polled: what injects may hold any lock
      while (FaultPlan::Get().injected() == 0 && absl::Now() < give_up) absl::SleepFor(absl::Microseconds(100));
      EXPECT_LT(CpuShare(CLOCK_PROCESS_CPUTIME_ID), kMostCpu);
      EXPECT_LE(FaultPlan::Get().injected(), 500) << "it asks again and again";
    }
    caller.join();
    EXPECT_TRUE(status.ok()) << status;
    world.ExpectOthersAreServed();
  }
}

// A server to whom no thread is to be had goes on with those that it has, one handler after the other where that is all
// there is, and no call is left alone.
class NoThreadsTest : public ::testing::TestWithParam<Transport> {};

TEST_P(NoThreadsTest, StreamsThatWaitForEachOtherGoOn) {
  World::Options options;
  options.transport = GetParam();
  World world{options};
  const TestStub stub = world.Connect();
  EXPECT_TRUE(EchoWithin(stub, kPatience).ok());
  const ArmedFault armed({.call = SystemCall::kThread, .error = EAGAIN, .times = Fault::kForGood});
  // More handlers at once than the server has threads.
  std::vector<std::unique_ptr<ClientContext>> contexts;
  std::vector<ClientReaderWriter<EchoRequest, EchoReply>> chats;
  for (int i = 0; i < 8; ++i) {
    contexts.push_back(std::make_unique<ClientContext>());
    contexts.back()->set_timeout(kCallBound);
    chats.push_back(stub.Chat(*contexts.back()));
    EXPECT_TRUE(chats.back().Write(EchoText("first")));
  }
  // The first has a handler, and is to be answered though the others wait.
  EchoReply reply;
  EXPECT_TRUE(chats.front().Read(reply));
  EXPECT_TRUE(chats.front().Write(EchoText("second")));
  EXPECT_TRUE(chats.front().Read(reply));
  EXPECT_EQ(reply.text(), "second");
  for (ClientReaderWriter<EchoRequest, EchoReply>& chat : chats) {
    chat.WritesDone();
    while (chat.Read(reply)) continue;
    const absl::Status status = chat.Finish();
    EXPECT_TRUE(status.ok()) << status;
  }
}

INSTANTIATE_TEST_SUITE_P(All, NoThreadsTest, OneByOne(), TransportTestName);

}  // namespace
}  // namespace udsrpc::testing
