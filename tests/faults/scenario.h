#ifndef UDSRPC_TESTS_FAULTS_SCENARIO_H_
#define UDSRPC_TESTS_FAULTS_SCENARIO_H_

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/faults/fault_plan.h"
#include "tests/faults/world.h"

namespace udsrpc::testing {

// One run of a scenario, with a fault on its way or without: what is to be true of it either way.
class ScenarioRun {
 public:
  ScenarioRun(World& world, TestStub stub, std::optional<Fault> fault)
      : world_(world), stub_(std::move(stub)), fault_(std::move(fault)) {}

  World& world() { return world_; }
  // Of the channel that the faults are for.
  const TestStub& stub() const { return stub_; }
  const std::optional<Fault>& fault() const { return fault_; }

  // How a call has ended: with `expected`; or where there is a fault with a status that a fault may have, and that says
  // what it is about. Whether it was `expected`.
  bool Expect(const absl::Status& status, absl::StatusCode expected = absl::StatusCode::kOk,
              const std::string& endpoint = "");
  // The same of something that is no call, such as the start of a server, whose message is to have `name` or the
  // fault's own text.
  bool ExpectMade(const absl::Status& status, const std::string& name);

  // A unary call to `stub`, that is to come back with what was sent, if it ends with OK.
  void Echo(const TestStub& stub, const std::string& text);
  void Echo(const std::string& text) { Echo(stub_, text); }

 private:
  World& world_;
  const TestStub stub_;
  const std::optional<Fault> fault_;
};

struct Scenario {
  std::string name;
  void (*run)(ScenarioRun& run);
  World::Options world = {};
};
inline void PrintTo(const Scenario& scenario, std::ostream* stream) { *stream << scenario.name; }

// Calls of all kinds, on a connection that is there and on one that is made for them.
std::vector<Scenario> CallScenarios();
// Calls that no thread waits for, that are cancelled, or too late; many at a time.
std::vector<Scenario> AsyncScenarios();
// How connections begin and end.
std::vector<Scenario> ConnectionScenarios();
// How servers begin and end.
std::vector<Scenario> ServerScenarios();

// How long a call may take under any fault. One that takes it has hung.
inline constexpr absl::Duration kCallBound = absl::Seconds(10);

inline EchoRequest EchoText(const std::string& text) {
  EchoRequest request;
  request.set_text(text);
  return request;
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_FAULTS_SCENARIO_H_
