// The client that is attacked, in a process of its own:
//
//   victim_client HOSTILE GOOD CHANNELS
//
// Makes calls of all kinds to the server at HOSTILE, on so many channels, each with a timeout, and beside them to the
// one at GOOD. Its input says when, line by line, and each line is answered with what has been until then:
//
//   go       begins
//   stop     ends, when the calls that are under way have ended
//   drop     destroys the channels to HOSTILE
//
//   calls N late N good N bad N
//
// `calls` have ended at HOSTILE, `late` of them long after their deadlines; of those at GOOD `good` were OK. Over
// seqpacket. Ends with its input, and then prints "done".

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "udsrpc/channel.h"

namespace {

using udsrpc::ClientContext;
using udsrpc::testing::EchoReply;
using udsrpc::testing::EchoRequest;
using udsrpc::testing::InflateRequest;
using udsrpc::testing::TestStub;

constexpr absl::Duration kTimeout = absl::Milliseconds(100);
// Beyond it, on whatever machine.
constexpr absl::Duration kLate = absl::Seconds(5);
constexpr absl::Duration kPace = absl::Milliseconds(2);

struct Counts {
  std::atomic<int> calls{0};
  std::atomic<int> late{0};
  std::atomic<int> good{0};
  std::atomic<int> bad{0};
};

std::shared_ptr<udsrpc::Channel> NewChannel(const char* target) {
  return *udsrpc::CreateChannel(target, {.transport = udsrpc::Transport::kSeqpacket});
}

void CallOnce(const TestStub& stub, int kind) {
  ClientContext context;
  context.set_timeout(kTimeout);
  EchoRequest request;
  EchoReply reply;
  switch (kind % 5) {
    case 0:
      stub.Echo(context, request, reply).IgnoreError();
      return;
    case 1:
      context.set_wait_for_ready(true);
      stub.Echo(context, request, reply).IgnoreError();
      return;
    case 2:
      request.set_text(std::string(1 << 20, 'x'));
      stub.Echo(context, request, reply).IgnoreError();
      return;
    case 3: {
      InflateRequest count;
      auto stream = stub.Count(context, count);
      while (stream.Read(reply)) continue;
      stream.Finish().IgnoreError();
      return;
    }
    default: {
      auto stream = stub.Chat(context);
      request.set_text(std::string(30000, 'x'));
      while (stream.Write(request) && stream.Read(reply)) continue;
      stream.Finish().IgnoreError();
    }
  }
}

void CallHostile(const TestStub& stub, const std::atomic<bool>& stopping, Counts& counts) {
  for (int kind = 0; !stopping; ++kind) {
    const absl::Time start = absl::Now();
    CallOnce(stub, kind);
    ++counts.calls;
    if (absl::Now() - start > kTimeout + kLate) ++counts.late;
    absl::SleepFor(kPace);
  }
}

void CallGood(const TestStub& stub, const std::atomic<bool>& stopping, Counts& counts) {
  while (!stopping) {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    EchoReply reply;
    ++(stub.Echo(context, EchoRequest(), reply).ok() ? counts.good : counts.bad);
    absl::SleepFor(kPace);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const TestStub good(NewChannel(argv[2]));
  std::vector<TestStub> hostile;
  std::vector<std::thread> threads;
  std::atomic<bool> stopping{false};
  Counts counts;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "go") {
      while (hostile.size() < static_cast<size_t>(std::atoi(argv[3]))) hostile.emplace_back(NewChannel(argv[1]));
      stopping = false;
      threads.emplace_back([&] { CallGood(good, stopping, counts); });
      for (const TestStub& stub : hostile) threads.emplace_back([&] { CallHostile(stub, stopping, counts); });
    } else if (line == "stop") {
      stopping = true;
      for (std::thread& thread : threads) thread.join();
      threads.clear();
    } else if (line == "drop") {
      hostile.clear();
    }
    std::printf("calls %d late %d good %d bad %d\n", counts.calls.load(), counts.late.load(), counts.good.load(),
                counts.bad.load());
    std::fflush(stdout);
  }
  std::printf("done\n");
  return 0;
}
