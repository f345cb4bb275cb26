#ifndef UDSRPC_TESTS_EXAMPLES_EXAMPLE_PROGRAMS_H_
#define UDSRPC_TESTS_EXAMPLES_EXAMPLE_PROGRAMS_H_

#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/transport.h"

namespace udsrpc::testing {

// The fixture of tests that run the examples' programs, once a transport. It checks at the end that no file is left.
class ExampleTest : public ::testing::TestWithParam<Transport> {
 protected:
  static constexpr absl::Duration kPatience = absl::Seconds(20);
  using Process = std::unique_ptr<ChildProcess>;

  void TearDown() override { EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path(); }

  std::string Endpoint(const std::string& name) const { return absl::StrCat("unix:", dir_.File(name)); }

  static Process Start(const std::vector<std::string>& arguments) { return std::make_unique<ChildProcess>(arguments); }

  // Returns when it serves.
  static Process StartServer(const std::vector<std::string>& arguments) {
    Process server = Start(arguments);
    EXPECT_EQ(NextLine(server), absl::StrCat("serving ", arguments[1]));
    return server;
  }

  static void Terminate(const Process& server) {
    server->Kill(SIGTERM);
    EXPECT_EQ(server->Wait(kPatience), 0);
  }

  static std::string NextLine(const Process& process) {
    return process->ReadLine(kPatience).value_or("(no line within 20 s)");
  }

  static std::string Flag(Transport transport) { return absl::StrCat("--transport=", TransportName(transport)); }

 private:
  TempDir dir_;
};

inline auto BothTransports() { return ::testing::Values(Transport::kGrpc, Transport::kSeqpacket); }
inline std::string NameOfTransport(const ::testing::TestParamInfo<Transport>& info) {
  return info.param == Transport::kGrpc ? "Grpc" : "Seqpacket";
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_EXAMPLES_EXAMPLE_PROGRAMS_H_
