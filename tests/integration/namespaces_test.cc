// What of a server is seen from other namespaces, as containers have them.

#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"

namespace udsrpc::testing {
namespace {

using ::testing::HasSubstr;

class NamespacesTest : public CombinationTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to make namespaces";
  }

  // What a client's program says that runs within `shell`, where `"$@"` is the program.
  std::string CallWithin(const std::vector<std::string>& unshare, const std::string& shell) {
    std::vector<std::string> arguments = unshare;
    arguments.insert(arguments.end(), {"sh", "-ec", shell, "sh", UDSRPC_TEST_CLIENT, target_,
                                       std::string(TransportName(GetParam().transport))});
    ChildProcess client(arguments);
    return client.ReadLine().value_or("nothing");
  }
};
INSTANTIATE_TEST_SUITE_P(All, NamespacesTest, AllCombinations(), CombinationName);

TEST_P(NamespacesTest, AnAbstractNameIsOfItsNetworkNamespaceAndAPathIsNot) {
  StartServer();
  const std::string result = CallWithin({"unshare", "-n"}, "exec \"$@\"");
  if (GetParam().abstract) {
    EXPECT_THAT(result, HasSubstr("UNAVAILABLE"));
    EXPECT_EQ(service_.echoes(), 0);
  } else {
    EXPECT_EQ(result, "OK");
  }
}

TEST_P(NamespacesTest, APathIsOfItsMountNamespaceAndAnAbstractNameIsNot) {
  StartServer();
  EXPECT_EQ(CallWithin({"unshare", "-m"}, "exec \"$@\""), "OK") << "the same files, still";
  const std::string result =
      CallWithin({"unshare", "-m"}, absl::StrCat("mount -t tmpfs none ", dir_.path(), "; exec \"$@\""));
  if (GetParam().abstract) {
    EXPECT_EQ(result, "OK");
  } else {
    EXPECT_THAT(result, HasSubstr("UNAVAILABLE"));
  }
}

// A bind mount of the directory, as into a container.
TEST_P(NamespacesTest, APathIsReachedWhereItsDirectoryIsMounted) {
  if (GetParam().abstract) GTEST_SKIP() << "is no file";
  StartServer();
  TempDir elsewhere;
  const std::string inside = absl::StrCat("unix:", elsewhere.path(), "/s");
  ChildProcess client({"unshare", "-m", "sh", "-ec",
                       absl::StrCat("mount --bind ", dir_.path(), " ", elsewhere.path(), "; exec \"$@\""), "sh",
                       UDSRPC_TEST_CLIENT, inside, std::string(TransportName(GetParam().transport))});
  EXPECT_EQ(client.ReadLine(), "OK");
}

TEST_P(NamespacesTest, ACallerFromAnInnerPidNamespaceHasTheServersNumberForIt) {
  StartServer();
  EXPECT_EQ(CallWithin({"unshare", "--pid", "--fork", "--kill-child"}, "exec \"$@\""), "OK");
}

TEST_P(NamespacesTest, ACallerThatTheServersPidNamespaceDoesNotHoldIsNumberZero) {
  ChildProcess server({"unshare", "--pid", "--fork", "--kill-child", UDSRPC_TEST_SERVER, target_});
  ASSERT_EQ(server.ReadLine(), "ready");
  const TestStub stub(MakeChannel());
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  LookReply reply;
  const absl::Status status = stub.Look(context, LookRequest(), reply);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply.peer_pid(), 0);
  EXPECT_EQ(reply.peer_uid(), geteuid());
  server.CloseInput();
  EXPECT_EQ(server.ReadLine(), "done");
  EXPECT_EQ(server.Wait(), 0);
}

}  // namespace
}  // namespace udsrpc::testing
