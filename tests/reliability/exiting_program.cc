// A program that ends while calls are outstanding, with its server and its channel as static objects:
//
//   exiting_program TARGET TRANSPORT HOW
//
// HOW is "return" from main; "exit_beside_threads" that call, by main; "exit_in_handler", "exit_in_coroutine" or
// "exit_in_completion", on whatever thread those run; "exit_in_child", where a child of fork ends so first, and main
// then makes another call; or "shutdown_in_handler", which is a mistake. Prints a line when calls are outstanding.

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "tests/support/event.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace {

using udsrpc::testing::EchoReply;
using udsrpc::testing::EchoRequest;
using udsrpc::testing::Event;

// Never destroyed, as threads that read it go on to the last.
const std::string& How(const char* how = nullptr) {
  static const std::string& text = *new std::string(how);
  return text;
}

// Its handlers wait for their cancellation.
class Service final : public udsrpc::testing::TestService {
 public:
  absl::Status Echo(udsrpc::ServerContext&, const EchoRequest& request, EchoReply&) override {
    if (request.text() != "end") return absl::OkStatus();
    if (How() == "exit_in_handler") std::exit(0);
    if (How() == "shutdown_in_handler") running->Shutdown(absl::InfinitePast());
    return absl::OkStatus();
  }
  absl::Status Block(udsrpc::ServerContext& context, const udsrpc::testing::BlockRequest&, EchoReply&) override {
    arrivals.Happen();
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    return absl::CancelledError();
  }
  absl::Status Chat(udsrpc::ServerContext&, udsrpc::ServerReaderWriter<EchoReply, EchoRequest>& stream) override {
    arrivals.Happen();
    EchoRequest request;
    while (stream.Read(request)) continue;
    return absl::OkStatus();
  }
  udsrpc::Task<absl::Status> CollectAsync(udsrpc::ServerContext&, udsrpc::AsyncServerReader<EchoRequest> reader,
                                          udsrpc::testing::CollectReply&) override {
    co_await reader.Read();  // and goes on by a thread of the server's
    std::exit(0);
  }

  udsrpc::Server* running = nullptr;
  Event arrivals;
};

// Of calls that do not end before the program does, and so neither may these.
struct Calls {
  udsrpc::ClientContext held_context;
  udsrpc::ClientContext last_context;
  udsrpc::ClientContext chat_context;
  udsrpc::testing::BlockRequest held_request;
  EchoRequest last_request;
  EchoReply held_reply;
  EchoReply last_reply;
  udsrpc::testing::CollectReply collect_reply;
};
Calls& calls = *new Calls;

// What this is about. Destroyed from the last to the first.
std::unique_ptr<Service> owned_service;                                    // NOLINT
std::unique_ptr<udsrpc::Server> server;                                    // NOLINT
std::unique_ptr<udsrpc::testing::TestStub> stub;                           // NOLINT
std::unique_ptr<udsrpc::ClientReaderWriter<EchoRequest, EchoReply>> chat;  // NOLINT

// Whoever calls has a stub of their own: statics may be gone.
void CallInALoop(const udsrpc::testing::TestStub& own) {
  for (;;) {
    udsrpc::ClientContext context;
    EchoReply reply;
    if (!own.Echo(context, {}, reply).ok()) absl::SleepFor(absl::Milliseconds(1));
  }
}

// In the child everything is destroyed that the parent has. How the child has ended.
int ExitInChild() {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    std::exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const std::string& how = How(argv[3]);
  // Where a handler exits the others run on, and need it.
  static Service& service = *new Service;
  if (how != "exit_in_handler" && how != "exit_in_coroutine") owned_service.reset(&service);
  udsrpc::ServerBuilder builder;
  builder.AddEndpoint(argv[1]).RegisterService(&service);
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> started = builder.Start();
  if (!started.ok()) return 3;
  server = *std::move(started);
  service.running = server.get();
  udsrpc::ChannelOptions options;
  std::string error;
  if (!AbslParseFlag(argv[2], &options.transport, &error)) return 2;
  stub = std::make_unique<udsrpc::testing::TestStub>(*udsrpc::CreateChannel(argv[1], options));

  stub->Async().Block(calls.held_context, calls.held_request, calls.held_reply, [](const absl::Status&) {});
  chat = std::make_unique<udsrpc::ClientReaderWriter<EchoRequest, EchoReply>>(stub->Chat(calls.chat_context));
  if (!chat->Write(EchoRequest()) || !service.arrivals.Await(2)) return 4;
  if (how == "exit_beside_threads") {
    for (int i = 0; i < 3; ++i) std::thread(CallInALoop, *stub).detach();
  }
  const udsrpc::testing::TestStub own = *stub;
  std::printf("calls are outstanding\n");
  std::fflush(stdout);
  calls.last_request.set_text("end");
  if (how == "exit_in_completion") {
    stub->Async().Echo(calls.last_context, calls.last_request, calls.last_reply,
                       [](const absl::Status&) { std::exit(0); });
    for (;;) pause();
  }
  if (how == "exit_in_handler" || how == "shutdown_in_handler") {
    own.Echo(calls.last_context, calls.last_request, calls.last_reply).IgnoreError();
    for (;;) pause();
  }
  if (how == "exit_in_coroutine") {
    auto collect = own.Collect(calls.last_context, calls.collect_reply);
    collect.Write(calls.last_request);
    for (;;) pause();
  }
  if (how == "exit_in_child") {
    if (ExitInChild() != 0) return 6;
    if (!chat->Write(EchoRequest())) return 7;
    if (!own.Echo(calls.last_context, EchoRequest(), calls.last_reply).ok()) return 8;
  }
  if (how == "exit_beside_threads") std::exit(0);
  return 0;
}
