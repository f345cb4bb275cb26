// gRPC is the oracle: whatever a program sees on stock gRPC C++, it sees on udsrpc, on either transport.

#include <memory>
#include <ostream>
#include <set>
#include <string>
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

Observed PerformOnStock(const Scenario& scenario) {
  return Perform(scenario, [&](const std::string& target) { return MakeStockStack(target, scenario.limits); });
}

// What the comparisons rest on: stock gRPC shows the same each time.
class OracleTest : public ::testing::TestWithParam<Scenario> {};

TEST_P(OracleTest, IsDeterministic) {
  const Observed first = PerformOnStock(GetParam());
  const Observed second = PerformOnStock(GetParam());
  EXPECT_NE(first.client, "");
  EXPECT_EQ(first.client, second.client);
  EXPECT_EQ(first.server, second.server);
}

INSTANTIATE_TEST_SUITE_P(Parity, OracleTest, ::testing::ValuesIn(AllScenarios()),
                         [](const auto& info) { return std::string(info.param.name); });

struct ScenarioOnTransport {
  Scenario scenario;
  Transport transport;
};

std::string NameOf(const ScenarioOnTransport& param) {
  return absl::StrCat(param.scenario.name, param.transport == Transport::kGrpc ? "_Grpc" : "_Seqpacket");
}
void PrintTo(const ScenarioOnTransport& param, std::ostream* out) { *out << NameOf(param); }

std::vector<ScenarioOnTransport> AllOnBothTransports() {
  std::vector<ScenarioOnTransport> params;
  for (const Scenario& scenario : AllScenarios()) {
    params.push_back({scenario, Transport::kGrpc});
    params.push_back({scenario, Transport::kSeqpacket});
  }
  return params;
}

class ScenarioTest : public ::testing::TestWithParam<ScenarioOnTransport> {};

TEST_P(ScenarioTest, Matches) {
  const auto& [scenario, transport] = GetParam();
  const Observed stock = PerformOnStock(scenario);
  const Observed ours = Perform(scenario, [&, transport = transport, &scenario = scenario](const std::string& target) {
    return MakeUdsrpcStack(target, transport, scenario.limits);
  });
  EXPECT_EQ(ours.client, ExpectedOfUdsrpc(scenario.name, Side::kClient, stock.client));
  EXPECT_EQ(ours.server, ExpectedOfUdsrpc(scenario.name, Side::kServer, stock.server));
}

INSTANTIATE_TEST_SUITE_P(Parity, ScenarioTest, ::testing::ValuesIn(AllOnBothTransports()),
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
