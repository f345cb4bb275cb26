// One user's load on a server of the test service, in a process of its own:
//
//   user_load TARGET TRANSPORT CONNECTIONS CALLS_A_SECOND SECONDS TIMEOUT_MS
//
// Prints "ready" when it is connected, begins when it is given a line, and prints in the end how many of its calls
// ended well and how many there were, and then how they ended.

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/reliability/open_loop.h"
#include "udsrpc/channel.h"

int main(int argc, char** argv) {
  if (argc < 7) return 2;
  udsrpc::ChannelOptions options;
  std::string error;
  if (!AbslParseFlag(argv[2], &options.transport, &error)) return 2;
  std::vector<udsrpc::testing::TestStub> stubs;
  for (int i = std::atoi(argv[3]); i > 0; --i) {
    stubs.emplace_back(*udsrpc::CreateChannel(argv[1], options));
    udsrpc::ClientContext context;
    context.set_timeout(absl::Seconds(30));
    udsrpc::testing::EchoReply reply;
    const absl::Status status = stubs.back().Echo(context, {}, reply);
    if (status.ok()) continue;
    std::printf("%s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  udsrpc::testing::OpenLoop load(stubs, absl::Milliseconds(std::atoi(argv[6])));
  load.RunAt(std::atof(argv[4]), absl::Seconds(std::atof(argv[5])));
  if (!load.AwaitEnds()) return 1;
  std::printf("%zu %zu %s\n", load.ended_with(absl::StatusCode::kOk), load.begun(), load.ToString().c_str());
  return 0;
}
