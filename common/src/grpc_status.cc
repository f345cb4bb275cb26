#include "common/src/grpc_status.h"

#include <string>

#include "common/src/status_details.h"

namespace udsrpc {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status();
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      SerializeStatusDetails(status));
}

absl::Status FromGrpcStatus(const grpc::Status& status, const GrpcMetadata& trailing) {
  if (status.ok()) return absl::OkStatus();
  absl::string_view details;
  const auto found = trailing.find(grpc::string_ref(kGrpcStatusDetailsKey.data(), kGrpcStatusDetailsKey.size()));
  if (found != trailing.end()) details = {found->second.data(), found->second.size()};
  return MakeStatus(static_cast<int>(status.error_code()), status.error_message(), details);
}

}  // namespace udsrpc
