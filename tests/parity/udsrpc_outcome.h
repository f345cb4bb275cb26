#ifndef UDSRPC_TESTS_PARITY_UDSRPC_OUTCOME_H_
#define UDSRPC_TESTS_PARITY_UDSRPC_OUTCOME_H_

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "tests/parity/outcome.h"
#include "udsrpc/metadata.h"

// What programs of udsrpc see of statuses and metadata, in the words of the scenarios.

namespace udsrpc::parity {

inline absl::Status ToStatus(const Outcome& outcome) {
  absl::Status status(outcome.code, outcome.message);
  for (const auto& [type_url, value] : outcome.payloads) status.SetPayload(type_url, absl::Cord(value));
  return status;
}

inline Outcome FromStatus(const absl::Status& status) {
  Outcome outcome{.code = status.code(), .message = std::string(status.message())};
  status.ForEachPayload([&outcome](absl::string_view type_url, const absl::Cord& value) {
    outcome.payloads.emplace_back(std::string(type_url), std::string(value));
  });
  return outcome;
}

// Sorted by key, as gRPC's multimap is: Metadata's comment says that the order of different keys is left open.
inline Entries FromMetadata(const Metadata& metadata) {
  Entries entries(metadata.begin(), metadata.end());
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return entries;
}

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_UDSRPC_OUTCOME_H_
