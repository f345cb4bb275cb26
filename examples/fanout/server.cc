// Asks all backends at once, and answers with what comes first:
//
//   fanout_server [--transport=grpc|seqpacket|auto] ENDPOINT BACKEND...
//
// The transport is the one to the backends; the endpoint itself is served over both.

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "fanout.udsrpc.pb.h"
#include "serve.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/when.h"

ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kSeqpacket, "grpc, seqpacket or auto");

// README: server
class Fanout final : public fanout::FanoutService {
 public:
  explicit Fanout(std::vector<std::shared_ptr<udsrpc::Channel>> backends) : backends_(std::move(backends)) {}

 private:
  static constexpr size_t kWanted = 2;

  udsrpc::Task<absl::Status> AskAsync(udsrpc::ServerContext& context, const fanout::Question& question,
                                      fanout::Results& results) override {
    std::vector<udsrpc::Task<fanout::Result>> calls;
    for (const auto& backend : backends_) calls.push_back(AskBackend(backend, context, question));
    std::vector<udsrpc::Finished<fanout::Result>> first = co_await udsrpc::WhenSome(std::move(calls), kWanted);
    for (udsrpc::Finished<fanout::Result>& finished : first) *results.add_results() = std::move(finished.value);
    co_return absl::OkStatus();
  }

  // The call has the deadline of the one that is served, and is cancelled with it, or by WhenSome.
  static udsrpc::Task<fanout::Result> AskBackend(std::shared_ptr<udsrpc::Channel> backend,
                                                 const udsrpc::ServerContext& parent,
                                                 const fanout::Question& question) {
    const std::unique_ptr<udsrpc::ClientContext> context = udsrpc::ClientContext::FromServerContext(parent);
    const fanout::BackendStub stub(backend);
    absl::StatusOr<fanout::Answer> answer = co_await stub.Async().Ask(*context, question);
    fanout::Result result;
    result.set_backend(backend->target());
    if (answer.ok()) {
      *result.mutable_answer() = *std::move(answer);
    } else {
      result.set_error(answer.status().ToString());
    }
    co_return result;
  }

  const std::vector<std::shared_ptr<udsrpc::Channel>> backends_;
};
// README: end

namespace {

int Fail(absl::string_view message) {
  std::cerr << "fanout_server: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("asks several backends: fanout_server [flags] ENDPOINT BACKEND...");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() < 3) return Fail("give an endpoint, such as unix:/run/fanout.sock, and those of backends");
  std::vector<std::shared_ptr<udsrpc::Channel>> backends;
  for (size_t i = 2; i < arguments.size(); ++i) {
    auto channel = udsrpc::CreateChannel(arguments[i], {.transport = absl::GetFlag(FLAGS_transport)});
    if (!channel.ok()) return Fail(channel.status().message());
    backends.push_back(*std::move(channel));
  }
  Fanout fanout(std::move(backends));
  return Serve("fanout_server", arguments[1], fanout);
}
