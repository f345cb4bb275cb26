#include "tests/faults/world.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"

namespace udsrpc::testing {

World::World(Options options) : options_(WithLog(std::move(options))), target_("unix:" + dir_.File("s")) {
  const bool grpc = options_.transport == Transport::kGrpc;
  EndpointOptions endpoint = options_.endpoint;
  endpoint.grpc = grpc;
  endpoint.seqpacket = !grpc;
  ServerBuilder builder(options_.server);
  builder.AddEndpoint(target_, endpoint).RegisterService(&service_);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  other_ = std::make_unique<TestStub>(*CreateChannel(target_, {.transport = options_.transport}));
  ExpectOthersAreServed();
}

World::Options World::WithLog(Options options) {
  options.server.log = [this, log = options.server.log](absl::string_view line) {
    if (absl::StrContains(line, std::generic_category().message(EINTR))) ++interruptions_logged_;
    if (log != nullptr) return log(line);
    std::fprintf(stderr, "udsrpc: %s\n", std::string(line).c_str());
  };
  return options;
}

TestStub World::Connect() const {
  ChannelOptions options = options_.channel;
  options.transport = options_.transport;
  absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target_, options);
  EXPECT_TRUE(channel.ok()) << channel.status();
  return TestStub(*std::move(channel));
}

void World::ExpectOthersAreServed() const { ExpectEcho(*other_, "other"); }

void World::ExpectNoCallsInFlight() const {
  uint64_t in_flight = 0;
  const absl::Time give_up = absl::Now() + kPatience;
  do {
    in_flight = 0;
    for (const MethodStats& method : server_->Stats().methods) in_flight += method.in_flight;
    if (in_flight > 0) absl::SleepFor(absl::Microseconds(100));
  } while (in_flight > 0 && absl::Now() < give_up);
  EXPECT_EQ(in_flight, 0U);
  EXPECT_EQ(service_.never_cancelled, 0);
}

void World::ExpectOwnFilesOnly(bool forgiven) {
  std::vector<std::string> left;
  for (const auto& file : std::filesystem::recursive_directory_iterator(dir_.path())) {
    const std::string name = file.path().string();
    if (!absl::StartsWith(name, dir_.File("s"))) left.push_back(name);
  }
  if (!forgiven) {
    EXPECT_EQ(left, std::vector<std::string>());
  }
  for (const std::string& name : left) std::filesystem::remove_all(name);
}

}  // namespace udsrpc::testing
