#ifndef UDSRPC_COMMON_CALL_ERRORS_H_
#define UDSRPC_COMMON_CALL_ERRORS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"

// What ends a call in the same way on both transports, and on both sides.

namespace udsrpc {

// INTERNAL. `which` is the message as its reader knows it ("the reply"), and `message` one of the type expected.
absl::Status MalformedMessageError(absl::string_view method, absl::string_view which,
                                   const google::protobuf::MessageLite& message);

// INTERNAL: more than can be serialized.
absl::Status UnserializableMessageError(absl::string_view method);

// UNIMPLEMENTED: a unary call ended OK and without a reply. `server` is its endpoint.
absl::Status MissingReplyError(absl::string_view method, absl::string_view server);

// RESOURCE_EXHAUSTED, on the client: what the server sent is over ChannelOptions::max_metadata_bytes.
absl::Status ServerMetadataError(absl::string_view method, size_t bytes, size_t limit);

// RESOURCE_EXHAUSTED, on the server: what the client sent is over ServerOptions::max_metadata_bytes.
absl::Status ClientMetadataError(size_t bytes, size_t limit);

// FAILED_PRECONDITION: descriptors go over seqpacket only.
absl::Status FdsOverGrpcError(absl::string_view method);

// FAILED_PRECONDITION: descriptors are attached to the context of a call in whose messages, "requests" or "responses",
// there is not just one on that side.
absl::Status FdsOfStreamError(absl::string_view method, absl::string_view messages);

}  // namespace udsrpc

#endif  // UDSRPC_COMMON_CALL_ERRORS_H_
