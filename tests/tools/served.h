#ifndef UDSRPC_TESTS_TOOLS_SERVED_H_
#define UDSRPC_TESTS_TOOLS_SERVED_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "tests/tools/cli.h"
#include "udsrpc/health.h"
#include "udsrpc/reflection.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {

// Exit codes of the command.
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 3;

// One line on standard error, and nothing else.
inline void ExpectError(const CliResult& result, int code, const std::string& what) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_THAT(result.out, ::testing::IsEmpty());
  EXPECT_THAT(result.err, ::testing::HasSubstr(what));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

// Whom the command calls: a server of ours over either transport, or gRPC's own.
enum class Served { kSeqpacket, kGrpc, kStock };

inline std::string ServedName(const ::testing::TestParamInfo<Served>& info) {
  switch (info.param) {
    case Served::kSeqpacket:
      return "Seqpacket";
    case Served::kGrpc:
      return "Grpc";
    case Served::kStock:
      break;
  }
  return "Stock";
}

// The service of testing.proto with health checking and reflection, at a path.
class ServedTest : public ::testing::TestWithParam<Served> {
 protected:
  ServedTest() {
    if (GetParam() == Served::kStock) {
      stock_.emplace(std::vector<std::string>{UDSRPC_STOCK_SERVER, target()});
      EXPECT_EQ(stock_->ReadLine(), "ready");
    } else {
      StartServer();
    }
  }

  void StartServer() {
    ServerBuilder builder;
    builder.AddEndpoint(target()).RegisterService(&service_).AddExtension(&health_).AddExtension(&reflection_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string target() const { return "unix:" + dir_.File("s"); }
  std::string transport() const { return GetParam() == Served::kSeqpacket ? "seqpacket" : "grpc"; }

  // `arguments` of the command, its name first and the target behind it.
  std::vector<std::string> Words(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin() + 1, target());
    arguments.push_back("--transport=" + transport());
    return arguments;
  }
  CliResult Run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return RunCli(Words(arguments), input);
  }

  TempDir dir_;
  TestServiceImpl service_;
  Health health_;
  Reflection reflection_;
  std::unique_ptr<Server> server_;  // null: gRPC's own
  std::optional<ChildProcess> stock_;
};

// A server of ours alone.
class OwnServedTest : public ServedTest {};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_TOOLS_SERVED_H_
