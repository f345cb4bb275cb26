#include "tests/parity/grpc_outcome.h"

#include "absl/strings/match.h"
#include "parity.pb.h"

namespace udsrpc::parity {

grpc::Status ToGrpc(const Outcome& outcome) {
  std::string details;
  RpcStatus encoded;
  for (const auto& [type_url, value] : outcome.payloads) {
    if (type_url == kOpaqueDetails) {
      details = value;
      break;
    }
    encoded.set_code(static_cast<int>(outcome.code));
    encoded.set_message(outcome.message);
    google::protobuf::Any& any = *encoded.add_details();
    any.set_type_url(type_url);
    any.set_value(value);
  }
  if (encoded.details_size() > 0) details = encoded.SerializeAsString();
  return grpc::Status(static_cast<grpc::StatusCode>(outcome.code), outcome.message, details);
}

Outcome FromGrpc(const grpc::Status& status) {
  Outcome outcome{.code = static_cast<absl::StatusCode>(status.error_code()), .message = status.error_message()};
  if (status.ok() || status.error_details().empty()) return outcome;
  RpcStatus encoded;
  if (encoded.ParseFromString(status.error_details()) && encoded.details_size() > 0) {
    for (const google::protobuf::Any& any : encoded.details())
      outcome.payloads.emplace_back(any.type_url(), any.value());
  } else {
    outcome.payloads.emplace_back(kOpaqueDetails, status.error_details());
  }
  return outcome;
}

Entries FromGrpc(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  Entries entries;
  for (const auto& [key_ref, value] : metadata) {
    const std::string key(key_ref.data(), key_ref.size());
    if (absl::StartsWith(key, ":") || absl::StartsWith(key, "grpc-") || key == "user-agent" || key == "content-type" ||
        key == "te" || key == "accept-encoding" || key == "date" || key == "udsrpc-peer-bin") {
      continue;
    }
    entries.emplace_back(key, std::string(value.data(), value.size()));
  }
  return entries;
}

}  // namespace udsrpc::parity
