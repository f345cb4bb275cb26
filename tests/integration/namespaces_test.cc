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

  // As in a container that may not, or below a root directory that is no mount point.
  static bool CannotBeMade(const std::vector<std::string>& unshare) {
    std::vector<std::string> arguments = unshare;
    arguments.push_back("true");
    return ChildProcess(arguments).Wait() != 0;
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
const std::vector<std::string> kNetwork{"unshare", "-n"};
const std::vector<std::string> kMount{"unshare", "-m"};
const std::vector<std::string> kPid{"unshare", "--pid", "--fork", "--kill-child"};

INSTANTIATE_TEST_SUITE_P(All, NamespacesTest, AllCombinations(), CombinationName);

TEST_P(NamespacesTest, AnAbstractNameIsOfItsNetworkNamespaceAndAPathIsNot) {
  if (CannotBeMade(kNetwork)) GTEST_SKIP() << "no network namespace can be made here";
  StartServer();
  const std::string result = CallWithin(kNetwork, "exec \"$@\"");
  if (GetParam().abstract) {
    EXPECT_THAT(result, HasSubstr("UNAVAILABLE"));
    EXPECT_EQ(service_.echoes(), 0);
  } else {
    EXPECT_EQ(result, "OK");
  }
}

TEST_P(NamespacesTest, APathIsOfItsMountNamespaceAndAnAbstractNameIsNot) {
  if (CannotBeMade(kMount)) GTEST_SKIP() << "no mount namespace can be made here";
  StartServer();
  EXPECT_EQ(CallWithin(kMount, "exec \"$@\""), "OK") << "the same files, still";
  const std::string result = CallWithin(kMount, absl::StrCat("mount -t tmpfs none ", dir_.path(), "; exec \"$@\""));
  if (GetParam().abstract) {
    EXPECT_EQ(result, "OK");
  } else {
    EXPECT_THAT(result, HasSubstr("UNAVAILABLE"));
  }
}

// A bind mount of the directory, as into a container.
TEST_P(NamespacesTest, APathIsReachedWhereItsDirectoryIsMounted) {
  if (GetParam().abstract) GTEST_SKIP() << "is no file";
  if (CannotBeMade(kMount)) GTEST_SKIP() << "no mount namespace can be made here";
  StartServer();
  TempDir elsewhere;
  const std::string inside = absl::StrCat("unix:", elsewhere.path(), "/s");
  ChildProcess client({"unshare", "-m", "sh", "-ec",
                       absl::StrCat("mount --bind ", dir_.path(), " ", elsewhere.path(), "; exec \"$@\""), "sh",
                       UDSRPC_TEST_CLIENT, inside, std::string(TransportName(GetParam().transport))});
  EXPECT_EQ(client.ReadLine(), "OK");
}

TEST_P(NamespacesTest, ACallerFromAnInnerPidNamespaceHasTheServersNumberForIt) {
  if (CannotBeMade(kPid)) GTEST_SKIP() << "no pid namespace can be made here";
  StartServer();
  EXPECT_EQ(CallWithin(kPid, "exec \"$@\""), "OK");
}

TEST_P(NamespacesTest, ACallerThatTheServersPidNamespaceDoesNotHoldIsNumberZero) {
  if (CannotBeMade(kPid)) GTEST_SKIP() << "no pid namespace can be made here";
  std::vector<std::string> arguments = kPid;
  arguments.insert(arguments.end(), {UDSRPC_TEST_SERVER, target_});
  ChildProcess server(arguments);
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
