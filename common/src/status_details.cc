#include "common/src/status_details.h"

#include <string>

#include "absl/strings/cord.h"
#include "common/src/valid_utf8.h"
#include "udsrpc/proto/status_details.pb.h"

namespace udsrpc {

std::string SerializeStatusDetails(const absl::Status& status) {
  if (auto opaque = status.GetPayload(kOpaqueDetailsTypeUrl)) return std::string(*opaque);
  internal::StatusDetails details;
  status.ForEachPayload([&details](absl::string_view type_url, const absl::Cord& value) {
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url(ValidUtf8(type_url, std::string::npos));
    any.set_value(std::string(value));
  });
  if (details.details().empty()) return {};
  details.set_code(static_cast<int>(status.code()));
  details.set_message(ValidUtf8(status.message(), std::string::npos));
  return details.SerializeAsString();
}

absl::Status MakeStatus(int code, absl::string_view message, absl::string_view details) {
  if (code < 0 || code > static_cast<int>(absl::StatusCode::kUnauthenticated)) {
    code = static_cast<int>(absl::StatusCode::kUnknown);
  }
  absl::Status status(static_cast<absl::StatusCode>(code), message);
  if (status.ok() || details.empty()) return status;
  internal::StatusDetails parsed;
  if (!parsed.ParseFromArray(details.data(), static_cast<int>(details.size()))) {
    status.SetPayload(kOpaqueDetailsTypeUrl, absl::Cord(details));
    return status;
  }
  for (const google::protobuf::Any& any : parsed.details()) {
    status.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
  return status;
}

}  // namespace udsrpc
