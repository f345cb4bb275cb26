// A greeter that logs its calls, and that may ask another greeter:
//
//   logging_greeter [--next=ENDPOINT] [--transport=grpc|seqpacket|auto] [--max_payload_bytes=N] ENDPOINT
//
// serves until it gets SIGINT or SIGTERM.

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"
#include "log_calls.h"
#include "udsrpc/channel.h"
#include "udsrpc/introspection.h"
#include "udsrpc/server.h"

ABSL_FLAG(std::string, next, "", "the greeter to ask; none: this one knows the answer");
ABSL_FLAG(size_t, max_payload_bytes, 0,
          "how much of a call's requests \"udsrpc record\" may have, in bytes; 0: nothing");
ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kSeqpacket, "grpc, seqpacket or auto, to the next one");

namespace {

// README: relay
class Greeter final : public helloworld::GreeterService {
 public:
  // `next` may be null.
  explicit Greeter(std::shared_ptr<udsrpc::Channel> next) : next_(std::move(next)) {}

 private:
  absl::Status SayHello(udsrpc::ServerContext& context, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    if (request.name().empty()) return absl::InvalidArgumentError("name: it is empty");
    if (next_ == nullptr) {
      reply.set_message(absl::StrCat("Hello, ", request.name(), "!"));
      return absl::OkStatus();
    }
    // With this call's deadline, cancellation and trace.
    const auto next_call = udsrpc::ClientContext::FromServerContext(context);
    return helloworld::GreeterStub(next_).SayHello(*next_call, request, reply);
  }

  const std::shared_ptr<udsrpc::Channel> next_;
};
// README: end

void LogLine(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  std::cout << line << std::endl;
}

// README: channel_stats
// What a channel has counted of the calls that were made on it.
void LogStats(const udsrpc::Channel& channel) {
  for (const udsrpc::MethodStats& method : channel.Stats().methods) {
    if (method.started == 0) continue;
    const auto ok = method.ended.find(absl::StatusCode::kOk);
    const uint64_t failed = method.latency.count() - (ok == method.ended.end() ? 0 : ok->second);
    LogLine(absl::StrCat("called ", method.method, " at ", channel.target(), " ", method.started, " times, ", failed,
                         " failed, p99 ", absl::ToInt64Microseconds(method.latency.Quantile(0.99)), " us"));
  }
}
// README: end

int Fail(absl::string_view message) {
  std::cerr << "logging_greeter: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("greets, and logs it: logging_greeter [flags] ENDPOINT");
  absl::FlagsUsageConfig usage;  // --help shows the flags of this file
  usage.contains_help_flags = [](absl::string_view file) { return absl::EndsWith(file, "logging/greeter.cc"); };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) return Fail("give one endpoint, such as unix:/run/greeter.sock");
  // Blocked before any thread starts, so that sigwait below is the only one to take them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::shared_ptr<udsrpc::Channel> next;
  if (const std::string endpoint = absl::GetFlag(FLAGS_next); !endpoint.empty()) {
    auto channel = udsrpc::CreateChannel(
        endpoint, {.transport = absl::GetFlag(FLAGS_transport), .interceptors = {LogMadeCalls(LogLine)}});
    if (!channel.ok()) return Fail(channel.status().message());
    next = *std::move(channel);
  }
  Greeter greeter(next);
  // README: introspection
  // For udsrpc stats, top and trace; and for record, unless it is to have nothing of the requests.
  udsrpc::Introspection introspection({.max_payload_bytes = absl::GetFlag(FLAGS_max_payload_bytes)});
  udsrpc::ServerBuilder builder({.interceptors = {LogServedCalls(LogLine)}});
  builder.AddEndpoint(arguments[1]).RegisterService(&greeter).AddExtension(&introspection);
  // README: end
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (!server.ok()) return Fail(server.status().message());
  LogLine(absl::StrCat("serving ", arguments[1]));
  int signal;
  sigwait(&signals, &signal);
  (*server)->Shutdown(absl::Now() + absl::Seconds(5));
  if (next != nullptr) LogStats(*next);
  return 0;
}
