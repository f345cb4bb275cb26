// Asks the fan-out server, which asks its backends:
//
//   fanout_client [--transport=grpc|seqpacket|auto] [--timeout=5s] [--question=TEXT] ENDPOINT
//
// prints each result that comes back.

#include <iostream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "fanout.udsrpc.pb.h"
#include "udsrpc/channel.h"

ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kGrpc, "grpc, seqpacket or auto");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(5), "how long to wait, for the server and its backends alike");
ABSL_FLAG(std::string, question, "42", "what to ask");

namespace {

int Fail(absl::string_view message) {
  std::cerr << "fanout_client: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("asks a fan-out server: fanout_client [flags] ENDPOINT");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) return Fail("give one endpoint, such as unix:/run/fanout.sock");
  auto channel = udsrpc::CreateChannel(arguments[1], {.transport = absl::GetFlag(FLAGS_transport)});
  if (!channel.ok()) return Fail(channel.status().message());

  udsrpc::ClientContext context;
  context.set_timeout(absl::GetFlag(FLAGS_timeout));
  fanout::Question question;
  question.set_text(absl::GetFlag(FLAGS_question));
  fanout::Results results;
  const absl::Status status = fanout::FanoutStub(*channel).Ask(context, question, results);
  if (!status.ok()) return Fail(status.ToString());
  for (const fanout::Result& result : results.results()) {
    if (result.has_answer()) {
      std::cout << result.answer().text() << "\n";
    } else {
      std::cout << result.backend() << " failed: " << result.error() << "\n";
    }
  }
  return 0;
}
