// Programs that end with servers and channels as static objects, in every way that a program may end.

#include <signal.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/thread_sanitizer.h"
#include "udsrpc/transport.h"

namespace udsrpc::testing {
namespace {

// See exiting_program.cc.
using Mode = std::tuple<Transport, std::string>;

class ExitTest : public ::testing::TestWithParam<Mode> {
 protected:
  ChildProcess Run(const std::string& target) {
    const auto& [transport, mode] = GetParam();
    // A child has its parent's memory and none of its threads, so LeakSanitizer takes for lost what is theirs.
    const bool leaks = mode != "exit_in_child";
    return ChildProcess({"/usr/bin/env", absl::StrCat("ASAN_OPTIONS=detect_leaks=", leaks), UDSRPC_EXITING_PROGRAM,
                         target, std::string(TransportName(transport)), mode});
  }
  const TempDir dir_;
};
INSTANTIATE_TEST_SUITE_P(All, ExitTest,
                         ::testing::Combine(::testing::Values(Transport::kSeqpacket, Transport::kGrpc),
                                            ::testing::Values("return", "exit_beside_threads", "exit_in_handler",
                                                              "exit_in_coroutine", "exit_in_completion",
                                                              "exit_in_child")),
                         [](const ::testing::TestParamInfo<Mode>& info) {
                           return absl::StrCat(TransportName(std::get<0>(info.param)), "_", std::get<1>(info.param));
                         });

TEST_P(ExitTest, EndsAndLeavesNothing) {
  if (kThreadSanitizer && std::get<0>(GetParam()) == Transport::kGrpc) {
    GTEST_SKIP()
        << "that what main has made comes before what it calls goes through the library, which it does not see";
  }
  ChildProcess program = Run(absl::StrCat("unix:", dir_.File("s")));
  EXPECT_EQ(program.ReadLine(), "calls are outstanding");
  EXPECT_EQ(program.Wait(absl::Seconds(60)), 0);
  EXPECT_TRUE(dir_.IsEmpty()) << "a socket file is left";
}

TEST(Shutdown, ByAHandlerEndsTheProgramInsteadOfWaitingForItself) {
  for (const std::string transport : {"seqpacket", "grpc"}) {
    const TempDir dir;
    ChildProcess program(
        {UDSRPC_EXITING_PROGRAM, absl::StrCat("unix:", dir.File("s")), transport, "shutdown_in_handler"});
    EXPECT_EQ(program.Wait(absl::Seconds(60)), -SIGABRT);
  }
}

}  // namespace
}  // namespace udsrpc::testing
