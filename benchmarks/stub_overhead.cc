// What our side of a gRPC call costs beside gRPC's own: the same 64-byte echo
//   - by the stock generated stub and by ours, to one stock server;
//   - with --server, by the stock stub, to a stock synchronous server and to ours;
//   - with --grpc_channel, over seqpacket to our server: by our stub, and by the stock one on a CreateGrpcChannel;
//   - with --grpc_hijack, by the stock stub: on a CreateGrpcChannel, and on a channel whose interceptor answers at
//     once, which is what gRPC itself takes of a call that an interceptor has taken over;
//   - with --grpc_services, by the stock stub, to a stock server and to the same service in ours.
// The servers run in processes of their own.

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_interceptor.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmarks/stub_overhead_rounds.h"
#include "stub_overhead.grpc.pb.h"
#include "stub_overhead.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/grpc_channel.h"
#include "udsrpc/grpc_services.h"
#include "udsrpc/server.h"

ABSL_FLAG(bool, server, false, "compare the servers instead of the stubs");
ABSL_FLAG(bool, grpc_channel, false, "compare our stub with the stock one, both over seqpacket");
ABSL_FLAG(bool, grpc_hijack, false,
          "compare the stock stub over seqpacket with one that an interceptor answers at once");
ABSL_FLAG(bool, grpc_services, false, "compare a stock service in a stock server with the same in ours");
ABSL_FLAG(std::vector<std::string>, callers, (std::vector<std::string>{"1", "16"}), "threads that call, for each run");
ABSL_FLAG(int, rounds, 21, "pairs of rounds");
ABSL_FLAG(absl::Duration, round, absl::Milliseconds(300), "length of a round");
ABSL_FLAG(double, check, 0, "exit with 1 where ours makes fewer calls a second than this many times the stock one's");

namespace udsrpc::benchmarks {
namespace {

class StockEcho final : public Echo::Service {
  grpc::Status Say(grpc::ServerContext*, const Payload* request, Payload* reply) override {
    reply->set_bytes(request->bytes());
    return grpc::Status::OK;
  }
};

class OurEcho final : public EchoService {
  absl::Status Say(ServerContext&, const Payload& request, Payload& reply) override {
    reply.set_bytes(request.bytes());
    return absl::OkStatus();
  }
};

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "stub_overhead: %s\n", message.c_str());
  std::exit(2);
}

void ServeStock(const std::string& target, const std::function<void()>& ready) {
  StockEcho echo;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(target, grpc::InsecureServerCredentials());
  builder.RegisterService(&echo);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) Die(absl::StrCat("cannot serve ", target));
  ready();
  server->Wait();
}

void ServeOurs(const std::string& target, const std::function<void()>& ready) {
  OurEcho echo;
  ServerBuilder builder;
  builder.AddEndpoint(target).RegisterService(&echo);
  const absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  if (!server.ok()) Die(std::string(server.status().message()));
  ready();
  (*server)->Wait();
}

void ServeStockInOurs(const std::string& target, const std::function<void()>& ready) {
  StockEcho echo;
  GrpcServices services;
  services.Add<Echo>(&echo);
  ServerBuilder builder;
  builder.AddEndpoint(target);
  if (const absl::Status status = services.RegisterWith(builder); !status.ok()) Die(std::string(status.message()));
  const absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  if (!server.ok()) Die(std::string(server.status().message()));
  ready();
  (*server)->Wait();
}

// A server in a process of its own, killed when this ends.
class ServerProcess {
 public:
  using Serve = void (*)(const std::string& target, const std::function<void()>& ready);

  // Blocks until it serves. To be made before this process uses gRPC, which does not survive a fork.
  ServerProcess(Serve serve, const std::string& target) : target_(target) {
    int ready[2];
    if (pipe(ready) != 0) Die("cannot make a pipe");
    pid_ = fork();
    if (pid_ < 0) Die("cannot fork");
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ready[0]);
      serve(target, [&ready] {
        if (write(ready[1], "", 1) != 1) _exit(2);
      });
      _exit(0);
    }
    close(ready[1]);
    char byte;
    const bool started = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!started) Die("a server did not start");
  }
  ~ServerProcess() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& target() const { return target_; }

 private:
  const std::string target_;
  pid_t pid_;
};

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/udsrpc-benchmark.XXXXXX";
    if (mkdtemp(name) == nullptr) Die("cannot make a directory in /tmp");
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const Payload& Request() {
  static const Payload* const request = [] {
    auto* payload = new Payload;
    payload->set_bytes(std::string(64, 'x'));
    return payload;
  }();
  return *request;
}

Contestant StockStub(const char* name, const std::shared_ptr<grpc::Channel>& channel) {
  const std::shared_ptr<Echo::Stub> stub = Echo::NewStub(channel);
  return {name, [stub] {
            grpc::ClientContext context;
            Payload reply;
            const grpc::Status status = stub->Say(&context, Request(), &reply);
            if (!status.ok()) Die(status.error_message());
          }};
}

Contestant StockStub(const char* name, const std::string& target) {
  return StockStub(name, grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
}

// Takes a call over, and answers it with an empty message.
class AnswersAtOnce final : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (!hijacked_) {
      hijacked_ = true;
      return batch->Hijack();
    }
    if (batch->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_RECV_STATUS)) {
      *batch->GetRecvStatus() = grpc::Status::OK;
    }
    batch->Proceed();
  }

 private:
  bool hijacked_ = false;
};

class AnswersAtOnceFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo*) override {
    return new AnswersAtOnce;
  }
};

std::shared_ptr<grpc::Channel> ChannelThatAnswersAtOnce() {
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<AnswersAtOnceFactory>());
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      "unix-abstract:udsrpc.none", grpc::InsecureChannelCredentials(), {}, std::move(interceptors));
}

std::shared_ptr<Channel> MakeChannel(const std::string& target, Transport transport) {
  const absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target, {.transport = transport});
  if (!channel.ok()) Die(std::string(channel.status().message()));
  return *channel;
}

Contestant OurStub(const char* name, const std::string& target, Transport transport) {
  return {name, [stub = std::make_shared<EchoStub>(MakeChannel(target, transport))] {
            ClientContext context;
            Payload reply;
            const absl::Status status = stub->Say(context, Request(), reply);
            if (!status.ok()) Die(std::string(status.message()));
          }};
}

std::pair<Contestant, Contestant> Contestants(const std::string& stock, const std::string& ours,
                                              const std::string& both) {
  if (absl::GetFlag(FLAGS_server)) return {StockStub("stock server", stock), StockStub("udsrpc server", ours)};
  const auto stock_over_seqpacket = [&ours] {
    return StockStub("stock over seqpacket", CreateGrpcChannel(MakeChannel(ours, Transport::kSeqpacket)));
  };
  if (absl::GetFlag(FLAGS_grpc_channel)) {
    return {OurStub("udsrpc stub", ours, Transport::kSeqpacket), stock_over_seqpacket()};
  }
  if (absl::GetFlag(FLAGS_grpc_hijack)) {
    return {stock_over_seqpacket(), StockStub("answered at once", ChannelThatAnswersAtOnce())};
  }
  if (absl::GetFlag(FLAGS_grpc_services)) return {StockStub("stock server", stock), StockStub("in udsrpc's", both)};
  return {StockStub("stock stub", stock), OurStub("udsrpc stub", stock, Transport::kGrpc)};
}

int Run() {
  const TempDir dir;
  const ServerProcess stock(ServeStock, absl::StrCat("unix:", dir.path(), "/stock"));
  const ServerProcess ours(ServeOurs, absl::StrCat("unix:", dir.path(), "/ours"));
  const ServerProcess both(ServeStockInOurs, absl::StrCat("unix:", dir.path(), "/both"));
  const auto [a, b] = Contestants(stock.target(), ours.target(), both.target());
  bool met = true;
  for (const std::string& callers : absl::GetFlag(FLAGS_callers)) {
    int number;
    if (!absl::SimpleAtoi(callers, &number) || number < 1) Die(absl::StrCat("--callers: no number: ", callers));
    const double ratio =
        Compare(a, b, {.callers = number, .rounds = absl::GetFlag(FLAGS_rounds), .round = absl::GetFlag(FLAGS_round)});
    met = met && ratio >= absl::GetFlag(FLAGS_check);
  }
  return met ? 0 : 1;
}

}  // namespace
}  // namespace udsrpc::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Compares udsrpc's stub, or with --server its server, over gRPC with gRPC's own.");
  absl::ParseCommandLine(argc, argv);
  return udsrpc::benchmarks::Run();
}
