#ifndef UDSRPC_COMMON_GRPC_STATUS_H_
#define UDSRPC_COMMON_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/src/grpc_metadata.h"

namespace udsrpc {

// The trailing metadata in which gRPC carries a status's details.
inline constexpr absl::string_view kGrpcStatusDetailsKey = "grpc-status-details-bin";

grpc::Status ToGrpcStatus(const absl::Status& status);

// `trailing` is what came with `status` and has its details. They are not taken from `status`: gRPC 1.51 looks for them
// under any key that is a prefix of theirs.
absl::Status FromGrpcStatus(const grpc::Status& status, const GrpcMetadata& trailing);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_GRPC_STATUS_H_
