#ifndef UDSRPC_TESTS_PARITY_GRPC_OUTCOME_H_
#define UDSRPC_TESTS_PARITY_GRPC_OUTCOME_H_

#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>

#include <map>

#include "tests/parity/outcome.h"

// What stock programs see of statuses and metadata, in the words of the scenarios.

namespace udsrpc::parity {

grpc::Status ToGrpc(const Outcome& outcome);
Outcome FromGrpc(const grpc::Status& status);

// Without what gRPC itself adds.
Entries FromGrpc(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_GRPC_OUTCOME_H_
