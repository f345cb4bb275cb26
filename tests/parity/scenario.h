#ifndef UDSRPC_TESTS_PARITY_SCENARIO_H_
#define UDSRPC_TESTS_PARITY_SCENARIO_H_

#include <ostream>
#include <string>
#include <vector>

#include "tests/parity/run.h"
#include "tests/parity/stack.h"

namespace udsrpc::parity {

// Something that client and server do together, written once for all stacks. What it shows is the same at each run:
// where the two race, it orders them by events, or leaves out what the race decides.
struct Scenario {
  const char* name;
  void (*perform)(Run& run);
  Limits limits = {};
};

// In the output of tests.
inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

// Those of gRPC's interop test descriptions (doc/interop-test-descriptions.md) that need neither TLS nor compression.
std::vector<Scenario> InteropScenarios();
std::vector<Scenario> StreamScenarios();
std::vector<Scenario> StatusScenarios();
std::vector<Scenario> MetadataScenarios();
std::vector<Scenario> DeadlineScenarios();
std::vector<Scenario> CancellationScenarios();
std::vector<Scenario> LimitScenarios();
std::vector<Scenario> ShutdownScenarios();

std::vector<Scenario> AllScenarios();

// In the words of scenarios.
inline constexpr MethodKind kUnary = MethodKind::kUnary;
inline constexpr MethodKind kServerStream = MethodKind::kServerStreaming;
inline constexpr MethodKind kClientStream = MethodKind::kClientStreaming;
inline constexpr MethodKind kBidi = MethodKind::kBidiStreaming;
inline constexpr MethodKind kAllKinds[] = {kUnary, kServerStream, kClientStream, kBidi};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_SCENARIO_H_
