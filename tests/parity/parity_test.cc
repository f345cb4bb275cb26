// gRPC is the oracle: whatever a program sees on stock gRPC C++, it sees on udsrpc, on either transport, and over TLS.

#include <iterator>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/parity/differences.h"
#include "tests/parity/run.h"
#include "tests/parity/scenario.h"
#include "tests/parity/stack.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::parity {
namespace {

struct Observed {
  std::string client;
  std::string server;
};

template <typename MakeStack>
Observed Perform(const Scenario& scenario, const MakeStack& make_stack) {
  const udsrpc::testing::TempDir dir;
  Observed observed;
  {
    const std::unique_ptr<Stack> stack = make_stack(absl::StrCat("unix:", dir.File("s")));
    Run run(*stack);
    scenario.perform(run);
    run.End();
    observed = {run.ClientText(), run.ServerText()};
  }
  EXPECT_TRUE(dir.IsEmpty()) << "a file is left in " << dir.path();
  return observed;
}

Observed PerformOnStock(const Scenario& scenario, Face face) {
  return Perform(scenario, [&](const std::string& target) { return MakeStockStack(target, face, scenario.limits); });
}

// What the comparisons rest on: stock gRPC shows the same each time.
class OracleTest : public ::testing::TestWithParam<Scenario> {};

TEST_P(OracleTest, IsDeterministic) {
  const Observed first = PerformOnStock(GetParam(), Face::kBlocking);
  const Observed second = PerformOnStock(GetParam(), Face::kBlocking);
  EXPECT_NE(first.client, "");
  EXPECT_EQ(first.client, second.client);
  EXPECT_EQ(first.server, second.server);
}

#ifdef UDSRPC_SANITIZED
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OracleTest);  // no code of ours
#else
INSTANTIATE_TEST_SUITE_P(Parity, OracleTest, ::testing::ValuesIn(AllScenarios()),
                         [](const auto& info) { return std::string(info.param.name); });
#endif

enum class Way { kGrpc, kSeqpacket, kTls };

struct ScenarioThroughFace {
  Scenario scenario;
  Way way;
  Face face;
};

std::string NameOf(const ScenarioThroughFace& param) {
  static constexpr const char* kWays[] = {"_Grpc", "_Seqpacket", "_Tls"};
  static constexpr const char* kFaces[] = {
      "", "_Callback", "_Coroutine", "_GrpcStub", "_GrpcStubQueue", "_GrpcStubCallback", "_GrpcService"};
  return absl::StrCat(param.scenario.name, kWays[static_cast<int>(param.way)], kFaces[static_cast<int>(param.face)]);
}
void PrintTo(const ScenarioThroughFace& param, std::ostream* out) { *out << NameOf(param); }

// Where one end is gRPC's.
const std::vector<std::pair<Way, Face>> kGrpcFaces = {
#ifndef UDSRPC_WITHOUT_GRPC_FACES
    {Way::kSeqpacket, Face::kGrpcStub},         {Way::kSeqpacket, Face::kGrpcStubQueue},
    {Way::kSeqpacket, Face::kGrpcStubCallback}, {Way::kGrpc, Face::kGrpcService},
    {Way::kSeqpacket, Face::kGrpcService},
#endif
};

// Over TLS, which for all faces is what gRPC over a Unix socket is but for the connection, one face a scenario, in
// turns.
std::vector<ScenarioThroughFace> AllThroughAllFaces() {
  constexpr Face kFaces[] = {Face::kBlocking, Face::kCallback, Face::kCoroutine};
  std::vector<ScenarioThroughFace> params;
  for (const Scenario& scenario : AllScenarios()) {
#ifndef UDSRPC_SANITIZED  // which grpc_test is, over TLS
    params.push_back({scenario, Way::kTls, kFaces[params.size() % std::size(kFaces)]});
#endif
    for (const Way way : {Way::kGrpc, Way::kSeqpacket}) {
      for (const Face face : kFaces) params.push_back({scenario, way, face});
    }
    for (const auto& [way, face] : kGrpcFaces) params.push_back({scenario, way, face});
  }
  return params;
}

class ScenarioTest : public ::testing::TestWithParam<ScenarioThroughFace> {};

TEST_P(ScenarioTest, Matches) {
  const ScenarioThroughFace& param = GetParam();
  const Observed stock = PerformOnStock(param.scenario, param.face);
  const Observed ours = Perform(param.scenario, [&param](const std::string& target) {
    if (param.way == Way::kTls) return MakeUdsrpcTlsStack(param.face, param.scenario.limits);
    const Transport transport = param.way == Way::kGrpc ? Transport::kGrpc : Transport::kSeqpacket;
    return MakeUdsrpcStack(target, transport, param.face, param.scenario.limits);
  });
  EXPECT_EQ(ours.client, ExpectedOfUdsrpc(param.scenario.name, param.face, Side::kClient, stock.client));
  EXPECT_EQ(ours.server, ExpectedOfUdsrpc(param.scenario.name, param.face, Side::kServer, stock.server));
}

INSTANTIATE_TEST_SUITE_P(Parity, ScenarioTest, ::testing::ValuesIn(AllThroughAllFaces()),
                         [](const auto& info) { return NameOf(info.param); });

TEST(ScenarioTableTest, NamesEachScenarioOnceAndHasAtLeastSixty) {
  std::set<std::string> names;
  for (const Scenario& scenario : AllScenarios()) {
    EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name << " is there twice";
  }
  EXPECT_GE(names.size(), 60u);
}

}  // namespace
}  // namespace udsrpc::parity
