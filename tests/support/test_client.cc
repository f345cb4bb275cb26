// A client of the test service in a process of its own:
//
//   test_client TARGET TRANSPORT [CALLS GATE]
//
// TARGET may be fd:N, for a connected socket that it has inherited.
//
// Makes an Echo call, with its own pid and uid as metadata, and prints how it ended. With CALLS it begins as many calls
// that block at the gate instead, all at once, and waits to be killed.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"

namespace {

using udsrpc::testing::TestStub;

void Introduce(udsrpc::ClientContext& context) {
  context.set_timeout(absl::Seconds(20));
  if (!context.AddMetadata("pid", absl::StrCat(getpid())).ok() ||
      !context.AddMetadata("uid", absl::StrCat(geteuid())).ok()) {
    std::abort();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  udsrpc::ChannelOptions options;
  std::string error;
  if (!AbslParseFlag(argv[2], &options.transport, &error)) return 2;
  absl::string_view fd = argv[1];
  const auto channel = absl::ConsumePrefix(&fd, "fd:")
                           ? udsrpc::CreateChannelFromFd(udsrpc::UniqueFd(std::atoi(fd.data())), options)
                           : udsrpc::CreateChannel(argv[1], options);
  if (!channel.ok()) {
    std::printf("%s\n", channel.status().ToString().c_str());
    return 2;
  }
  const TestStub stub(*channel);
  if (argc > 4) {
    std::vector<std::unique_ptr<udsrpc::ClientContext>> contexts;
    udsrpc::testing::BlockRequest request;
    udsrpc::testing::EchoReply reply;
    request.set_gate(argv[4]);
    for (int i = std::atoi(argv[3]); i > 0; --i) {
      contexts.push_back(std::make_unique<udsrpc::ClientContext>());
      Introduce(*contexts.back());
      stub.Async().Block(*contexts.back(), request, reply, [](absl::Status) {});
    }
    for (;;) pause();
  }
  udsrpc::ClientContext context;
  Introduce(context);
  udsrpc::testing::EchoReply reply;
  const absl::Status status = stub.Echo(context, udsrpc::testing::EchoRequest(), reply);
  std::printf("%s\n", status.ToString().c_str());
  return 0;
}
