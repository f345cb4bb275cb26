#ifndef UDSRPC_COMMON_STATUS_DETAILS_H_
#define UDSRPC_COMMON_STATUS_DETAILS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace udsrpc {

// Status details as both transports carry them: the value of gRPC's `grpc-status-details-bin`, which is a serialized
// google.rpc.Status whose `details` are the payloads of an absl::Status, one google.protobuf.Any each.

// Details that are no google.rpc.Status arrive as one payload under this type URL, and leave as they came.
inline constexpr absl::string_view kOpaqueDetailsTypeUrl = "udsrpc/grpc-status-details-bin";

// Empty where `status` has no payloads. Its message and their type URLs are of type `string` there, which the other
// side parses as UTF-8 alone, so what is none is U+FFFD; the message comes beside the details as it is.
std::string SerializeStatusDetails(const absl::Status& status);

// A status of `code` (any number: one that is no status code becomes UNKNOWN, as in gRPC), `message` and the payloads
// in `details`. OK where code is 0; message and details of an OK status are dropped, as absl::Status has none then.
absl::Status MakeStatus(int code, absl::string_view message, absl::string_view details);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_STATUS_DETAILS_H_
