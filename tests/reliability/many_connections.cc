// Many connections to a server of the test service, from a process of its own:
//
//   many_connections TARGET TRANSPORT COUNT
//
// Prints how many it has once each has served a call, makes a call on each of them for each line that it is given and
// prints how many of these ended well, and closes them all when its input ends.

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/test_service.h"
#include "udsrpc/channel.h"

namespace {

bool Echo(const udsrpc::testing::TestStub& stub) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(60));
  udsrpc::testing::EchoReply reply;
  return stub.Echo(context, {}, reply).ok();
}

int CountServed(const std::vector<udsrpc::testing::TestStub>& stubs) {
  int served = 0;
  for (const udsrpc::testing::TestStub& stub : stubs) served += Echo(stub) ? 1 : 0;
  return served;
}

void Print(int count) {
  std::printf("%d\n", count);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  udsrpc::ChannelOptions options;
  std::string error;
  if (!AbslParseFlag(argv[2], &options.transport, &error)) return 2;
  std::vector<udsrpc::testing::TestStub> stubs;
  for (int i = std::atoi(argv[3]); i > 0; --i) {
    stubs.emplace_back(*udsrpc::CreateChannel(argv[1], options));
    if (!Echo(stubs.back())) break;
  }
  Print(CountServed(stubs));
  while (std::getchar() != EOF) Print(CountServed(stubs));
  return 0;
}
