// What gRPC connects to, given a target: tried with real sockets.

#include "client/src/grpc_target.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/grpc/stream_listener.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

// Whether gRPC connects to `endpoint`, given our target for it.
void ExpectConnection(const Endpoint& endpoint) {
  const absl::StatusOr<std::string> target = GrpcTarget(endpoint);
  ASSERT_TRUE(target.ok()) << target.status();
  Event accepted;
  const StreamListener listener(endpoint, [&accepted](UniqueFd) { accepted.Happen(); });
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(*target, grpc::InsecureChannelCredentials(), arguments);
  // The listener hangs up, so this ends at the first state that is not "connecting".
  const auto give_up = std::chrono::system_clock::now() + std::chrono::seconds(30);
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_TRANSIENT_FAILURE && channel->WaitForStateChange(state, give_up)) {
    state = channel->GetState(/*try_to_connect=*/false);
  }
  EXPECT_EQ(accepted.times(), 1) << *target;
}

void ExpectNoTarget(const Endpoint& endpoint, const std::string& why) {
  const absl::Status status = GrpcTarget(endpoint).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << endpoint.ToString();
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  EXPECT_THAT(std::string(status.message()), HasSubstr(endpoint.ToString()));
}

constexpr const char* kOddNames[] = {
    "plain", "sp ace",   "per%cent", "per%41cent", "quest?ion", "ha#sh", "end%",  "end?", "end ", "a:b",  "a@b", "a[b]",
    "ü",     "\xff\xfe", "a\\b",     "a\nb",       "~tilde",    "-dash", "a=b&c", "a+b",  "a;b",  "*(x)", "%00"};

TEST(GrpcTargetTest, ReachesPathsOfOddBytes) {
  const TempDir dir;
  for (const std::string name : kOddNames) ExpectConnection(*Endpoint::FromPath(dir.File(name)));
}

TEST(GrpcTargetTest, ReachesAbstractNamesOfOddBytes) {
  for (const std::string name : kOddNames) {
    ExpectConnection(*Endpoint::FromAbstractName(absl::StrCat("udsrpc.test.", getpid(), name)));
  }
  const std::string zero(1, '\0');
  for (const std::string& name : {"a" + zero + "b", "end" + zero, std::string("a//b")}) {
    ExpectConnection(*Endpoint::FromAbstractName(absl::StrCat("udsrpc.test.", getpid(), name)));
  }
  ExpectConnection(*Endpoint::FromAbstractName(absl::StrCat("/udsrpc.test.", getpid())));
}

TEST(GrpcTargetTest, ReachesPathsOfAllForms) {
  const TempDir dir;
  ExpectConnection(*Endpoint::FromPath("/" + dir.File("s")));
  ExpectConnection(*Endpoint::FromPath("///" + dir.File("s")));
  ExpectConnection(*Endpoint::FromPath(dir.path() + "//s"));
  ExpectConnection(*Endpoint::FromPath(dir.path() + "/./s"));
  ExpectConnection(*Endpoint::FromPath(dir.File(std::string(107 - dir.path().size() - 1, 'x'))));

  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  ExpectConnection(*Endpoint::FromPath("relative"));
  ExpectConnection(*Endpoint::FromPath("./relative"));
  ExpectConnection(*Endpoint::FromPath("localhost:80"));
  std::filesystem::current_path(before);
}

TEST(GrpcTargetTest, SaysWhichAddressesGrpcCannotReach) {
  for (const std::string name : {"a,b", ",", ",lead", "end,"}) {
    ExpectNoTarget(*Endpoint::FromPath("/run/" + name), "comma");
    ExpectNoTarget(*Endpoint::FromAbstractName(name), "comma");
  }
  ExpectNoTarget(*Endpoint::FromPath("/run/x,y/s"), "comma");
  ExpectNoTarget(*Endpoint::FromAbstractName(std::string("\0x", 2)), "%00");
  ExpectNoTarget(*Endpoint::FromAbstractName("//x"), "authority");
}

}  // namespace
}  // namespace udsrpc::testing
