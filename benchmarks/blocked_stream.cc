// What a stream that is blocked for ever costs the unary calls on its connection: their latency beside one that the
// server writes and nobody reads, and beside one that a thread of the client writes and the server does not read,
// against that without any. In turns, so that what else the machine does hits all alike.
//
//   blocked_stream [--transport=seqpacket] [--calls=100000] [--check=1.2]

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "blocked_stream.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kSeqpacket, "which transport");
ABSL_FLAG(int, calls, 100000, "unary calls of each kind");
ABSL_FLAG(double, check, 0,
          "exit with 1 where the p99 beside an unread stream is more than this many times that alone");

namespace udsrpc::benchmarks {
namespace {

constexpr int kRounds = 20;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "blocked_stream: %s\n", status.ToString().c_str());
  std::exit(2);
}

class MixedImpl final : public MixedService {
  absl::Status Say(ServerContext&, const MixedPayload& request, MixedPayload& reply) override {
    reply.set_bytes(request.bytes());
    return absl::OkStatus();
  }
  absl::Status Pour(ServerContext&, const MixedPayload& request, ServerWriter<MixedPayload>& writer) override {
    while (writer.Write(request)) {
    }
    return absl::OkStatus();
  }
  absl::Status Drink(ServerContext& context, ServerReader<MixedPayload>&, MixedPayload&) override {
    absl::Notification cancelled;
    context.AddCancelCallback([&cancelled] { cancelled.Notify(); });
    cancelled.WaitForNotification();
    return absl::OkStatus();
  }
};

// A server in a process of its own, which ends with this one.
pid_t Serve(const std::string& target) {
  int ready[2];
  if (pipe(ready) != 0) std::abort();
  const pid_t pid = fork();
  if (pid != 0) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) std::exit(2);
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  MixedImpl service;
  ServerBuilder builder;
  builder.AddEndpoint(target).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  Require(server.status());
  if (write(ready[1], "", 1) != 1) std::exit(2);
  (*server)->Wait();
  std::exit(0);
}

class Caller {
 public:
  Caller(const char* name, const std::string& target)
      : name(name), channel_(*CreateChannel(target, {.transport = absl::GetFlag(FLAGS_transport)})), stub(channel_) {}

  void Run(int calls) {
    MixedPayload request;
    MixedPayload reply;
    request.set_bytes(std::string(60, 'x'));
    for (int i = 0; i < calls; ++i) {
      ClientContext context;
      context.set_timeout(absl::Seconds(10));
      const absl::Time start = absl::Now();
      Require(stub.Say(context, request, reply));
      microseconds_.push_back(absl::ToDoubleMicroseconds(absl::Now() - start));
      if (reply.bytes() != request.bytes()) Require(absl::DataLossError("another reply"));
    }
  }

  double Percentile(double share) {
    std::sort(microseconds_.begin(), microseconds_.end());
    return microseconds_[static_cast<size_t>(share * static_cast<double>(microseconds_.size() - 1))];
  }

  const char* const name;

 private:
  const std::shared_ptr<Channel> channel_;
  std::vector<double> microseconds_;

 public:
  const MixedStub stub;
};

int Main() {
  const std::string target = absl::StrCat("unix-abstract:udsrpc.blocked_stream.", getpid());
  const pid_t server = Serve(target);
  Caller alone("alone", target);
  Caller unread("beside a stream that nobody reads", target);
  Caller unwritten("beside a writer that is blocked", target);

  MixedPayload payload;
  payload.set_bytes(std::string(1000, 'x'));
  ClientContext pouring;
  ClientReader<MixedPayload> reader = unread.stub.Pour(pouring, payload);
  if (!reader.Read(payload)) Require(reader.Finish());
  ClientContext drinking;
  MixedPayload reply;
  ClientWriter<MixedPayload, MixedPayload> writer = unwritten.stub.Drink(drinking, reply);
  std::thread blocked([&] {
    while (writer.Write(payload)) {
    }
  });

  for (int round = 0; round < kRounds; ++round) {
    for (Caller* caller : {&alone, &unread, &unwritten}) caller->Run(absl::GetFlag(FLAGS_calls) / kRounds);
  }
  for (Caller* caller : {&alone, &unread, &unwritten}) {
    std::printf("%-36s p50 %6.1f us  p99 %6.1f us  p99 %.2f x alone\n", caller->name, caller->Percentile(0.5),
                caller->Percentile(0.99), caller->Percentile(0.99) / alone.Percentile(0.99));
  }
  drinking.Cancel();
  blocked.join();
  writer.Finish().IgnoreError();
  kill(server, SIGTERM);
  waitpid(server, nullptr, 0);
  const double check = absl::GetFlag(FLAGS_check);
  return check > 0 && unread.Percentile(0.99) > check * alone.Percentile(0.99) ? 1 : 0;
}

}  // namespace
}  // namespace udsrpc::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Latency of unary calls beside a blocked stream; see the head of blocked_stream.cc.");
  absl::ParseCommandLine(argc, argv);
  return udsrpc::benchmarks::Main();
}
