// Ten thousand connections to one server at once, or as many as UDSRPC_CONNECTIONS says.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/reliability/process_figures.h"
#include "tests/support/child_process.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"

namespace udsrpc::testing {
namespace {

#ifdef UDSRPC_SANITIZED
constexpr int kConnections = 1000;
#else
constexpr int kConnections = 10000;
#endif
constexpr int kClients = 4;
// For a client to do something with each of its connections.
constexpr absl::Duration kClientPatience = absl::Minutes(5);
constexpr int kSpareDescriptors = 300;

// Raises the limit of open files so that `wanted` can be had, where this process may. How many can.
int RaiseOpenFiles(int wanted) {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  const auto needed = static_cast<rlim_t>(wanted);
  rlimit raised{.rlim_cur = std::max(files.rlim_cur, needed), .rlim_max = std::max(files.rlim_max, needed)};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    raised = {.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  return static_cast<int>(std::min(raised.rlim_cur, needed));
}

class ConnectionsTest : public ::testing::TestWithParam<Transport> {
 protected:
  // Whatever each of the clients prints next, as a sum.
  int SumOfAnswers() {
    int sum = 0;
    for (const auto& client : clients_) {
      int count = 0;
      const std::string line = client->ReadLine(kClientPatience).value_or("nothing");
      EXPECT_TRUE(absl::SimpleAtoi(line, &count)) << line;
      sum += count;
    }
    return sum;
  }

  const TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  TestServiceImpl service_;
  std::vector<std::unique_ptr<ChildProcess>> clients_;
};
INSTANTIATE_TEST_SUITE_P(All, ConnectionsTest, OneByOne(), TransportTestName);

TEST_P(ConnectionsTest, TenThousandAtOnceAreServedAndLeaveNothing) {
  // gRPC takes some ten times as long for each.
  const int wanted =
      FromEnvironment("UDSRPC_CONNECTIONS", GetParam() == Transport::kGrpc ? kConnections / 5 : kConnections);
  const int files = RaiseOpenFiles(wanted + kSpareDescriptors);
  const int connections = std::min(wanted, files - kSpareDescriptors) / kClients * kClients;
  ASSERT_GT(connections, 0);
  ServerBuilder builder(ServerOptions{.user_limits_of = {{geteuid(),
                                                          {.max_connections = UserLimits::kUnlimited,
                                                           .max_calls = UserLimits::kUnlimited,
                                                           .max_bytes = UserLimits::kUnlimitedBytes}}}});
  builder.AddEndpoint(target_).RegisterService(&service_);
  absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const auto channel = CreateChannel(target_, {.transport = GetParam()});
  ASSERT_TRUE(channel.ok()) << channel.status();
  const TestStub stub(*channel);
  ExpectEcho(stub, "before");
  const int descriptors = OpenDescriptors();
  const int64_t bytes = BytesInUse();
  const int64_t resident = StatusBytes("VmRSS");

  for (int i = 0; i < kClients; ++i) {
    clients_.push_back(std::make_unique<ChildProcess>(std::vector<std::string>{UDSRPC_MANY_CONNECTIONS, target_,
                                                                               std::string(TransportName(GetParam())),
                                                                               absl::StrCat(connections / kClients)}));
  }
  EXPECT_EQ(SumOfAnswers(), connections);
  EXPECT_GE(OpenDescriptors(), descriptors + connections - 2 * kClients);
  const int64_t bytes_each = (BytesInUse() - bytes) / connections;
  RecordProperty("connections", connections);
  RecordProperty("bytes_a_connection", absl::StrCat(bytes_each));
  RecordProperty("resident_bytes_a_connection", absl::StrCat((StatusBytes("VmRSS") - resident) / connections));
  // What a connection takes by itself, over gRPC a good deal. Sanitizers have their own allocator.
#ifndef UDSRPC_SANITIZED
  EXPECT_LT(bytes_each, GetParam() == Transport::kGrpc ? 64 << 10 : 8 << 10);
#endif

  ExpectEcho(stub, "beside them all");
  for (const auto& client : clients_) EXPECT_TRUE(client->WriteLine("again"));
  EXPECT_EQ(SumOfAnswers(), connections);

  for (const auto& client : clients_) client->CloseInput();
  for (const auto& client : clients_) EXPECT_EQ(client->Wait(kClientPatience), 0);
  clients_.clear();
  EXPECT_TRUE(AnsweredWithin(stub, kPatience));
  // Over gRPC the library closes them while it polls, and some of its own stay.
  EXPECT_TRUE(DescriptorsBecome(descriptors + (GetParam() == Transport::kGrpc ? 10 : 0)))
      << OpenDescriptors() << " instead of " << descriptors;
  ExpectEcho(stub, "after");
  // Who has been connected is forgotten when as many more have.
  const int64_t left = BytesInUse() - bytes;
  RecordProperty("bytes_left", absl::StrCat(left));
#ifndef UDSRPC_SANITIZED
  EXPECT_LT(left, (1 << 20) + bytes_each * connections / 4);
#endif
}

}  // namespace
}  // namespace udsrpc::testing
