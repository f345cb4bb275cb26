#include "common/src/call_errors.h"

#include "absl/strings/str_cat.h"

namespace udsrpc {

absl::Status MalformedMessageError(absl::string_view method, absl::string_view which,
                                   const google::protobuf::MessageLite& message) {
  return absl::InternalError(absl::StrCat(method, ": ", which, "'s bytes are no ", message.GetTypeName(),
                                          "; do both sides use the same .proto?"));
}

absl::Status UnserializableMessageError(absl::string_view method) {
  return absl::InternalError(
      absl::StrCat(method, ": a message is larger than the 2 GiB that Protobuf can serialize; send it in parts"));
}

absl::Status MissingReplyError(absl::string_view method, absl::string_view server) {
  return absl::UnimplementedError(
      absl::StrCat(method, ": ", server, " said OK without a reply; is the method a unary one there?"));
}

absl::Status ServerMetadataError(absl::string_view method, size_t bytes, size_t limit) {
  return absl::ResourceExhaustedError(absl::StrCat(method, ": the server's metadata of ", bytes,
                                                   " bytes is over the limit of ", limit,
                                                   "; raise ChannelOptions::max_metadata_bytes"));
}

absl::Status ClientMetadataError(size_t bytes, size_t limit) {
  return absl::ResourceExhaustedError(absl::StrCat("the call's metadata of ", bytes,
                                                   " bytes is over the server's limit of ", limit,
                                                   "; send less, or raise ServerOptions::max_metadata_bytes"));
}

absl::Status FdsOverGrpcError(absl::string_view method) {
  return absl::FailedPreconditionError(
      absl::StrCat(method, ": a message has descriptors, and gRPC carries none; use Transport::kSeqpacket"));
}

absl::Status FdsOfStreamError(absl::string_view method, absl::string_view messages) {
  return absl::FailedPreconditionError(absl::StrCat(method,
                                                    ": descriptors are attached to the context, and the method's ",
                                                    messages, " are a stream; give them to its Write"));
}

}  // namespace udsrpc
