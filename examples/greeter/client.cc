// The greeter's client:
//
//   greeter_client [--transport=grpc|seqpacket|auto] [--name=NAME] [--calls=N] ENDPOINT
//
// calls once and prints the reply; with --calls it goes on, and prints the median latency as well.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"
#include "udsrpc/channel.h"

ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kGrpc, "grpc, seqpacket or auto");
ABSL_FLAG(std::string, name, "world", "whom to greet");
ABSL_FLAG(int, calls, 1, "how often to call, at least 1");

// README: client
absl::StatusOr<std::string> SayHello(const helloworld::GreeterStub& stub, const std::string& name) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(5));
  helloworld::HelloRequest request;
  helloworld::HelloReply reply;
  request.set_name(name);
  absl::Status status = stub.SayHello(context, request, reply);
  if (!status.ok()) return status;
  return reply.message();
}

absl::StatusOr<std::string> SayHelloAt(const char* endpoint, udsrpc::Transport transport, const std::string& name) {
  auto channel = udsrpc::CreateChannel(endpoint, {.transport = transport});
  if (!channel.ok()) return channel.status();
  return SayHello(helloworld::GreeterStub(*channel), name);
}
// README: end

namespace {

int Fail(absl::string_view message) {
  std::cerr << "greeter_client: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("greets over udsrpc: greeter_client [flags] ENDPOINT");
  absl::FlagsUsageConfig usage;  // --help shows the flags of this file
  usage.contains_help_flags = [](absl::string_view file) { return absl::EndsWith(file, "greeter/client.cc"); };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) return Fail("give one endpoint, such as unix:/run/greeter.sock");
  auto channel = udsrpc::CreateChannel(arguments[1], {.transport = absl::GetFlag(FLAGS_transport)});
  if (!channel.ok()) return Fail(channel.status().message());
  const helloworld::GreeterStub stub(*channel);
  const std::string name = absl::GetFlag(FLAGS_name);
  std::string text;
  std::vector<absl::Duration> latencies;
  for (int i = 0; i < std::max(1, absl::GetFlag(FLAGS_calls)); ++i) {
    const absl::Time start = absl::Now();
    absl::StatusOr<std::string> reply = SayHello(stub, name);
    latencies.push_back(absl::Now() - start);
    if (!reply.ok()) return Fail(reply.status().ToString());
    text = *std::move(reply);
  }
  std::cout << text;
  if (latencies.size() > 1) {
    const auto median = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() / 2);
    std::nth_element(latencies.begin(), median, latencies.end());
    std::cout << absl::StrFormat("  median %5.1f us of %d calls", absl::ToDoubleMicroseconds(*median),
                                 latencies.size());
  }
  std::cout << "\n";
  return 0;
}
