#include "tests/parity/scenario.h"

#include <iterator>

namespace udsrpc::parity {

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
  for (const auto& part : {InteropScenarios(), StreamScenarios(), StatusScenarios(), MetadataScenarios(),
                           DeadlineScenarios(), CancellationScenarios(), LimitScenarios(), ShutdownScenarios()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace udsrpc::parity
