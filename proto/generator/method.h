#ifndef UDSRPC_PROTO_GENERATOR_METHOD_H_
#define UDSRPC_PROTO_GENERATOR_METHOD_H_

#include <string>

#include "google/protobuf/descriptor.h"

namespace udsrpc::generator {

// As the enumerators of udsrpc::MethodKind.
enum class MethodKind { kUnary, kServerStreaming, kClientStreaming, kBidiStreaming };

MethodKind KindOf(const google::protobuf::MethodDescriptor& method);

// "Unary", "ServerStreaming", "ClientStreaming" or "BidiStreaming": the maker in udsrpc::ServerMethod, and behind a `k`
// the enumerator of udsrpc::MethodKind.
std::string KindName(MethodKind kind);

// "/package.Service/Method".
std::string PathOf(const google::protobuf::MethodDescriptor& method);

// The C++ types of the messages, such as "::package::Message".
std::string RequestType(const google::protobuf::MethodDescriptor& method);
std::string ReplyType(const google::protobuf::MethodDescriptor& method);

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_METHOD_H_
