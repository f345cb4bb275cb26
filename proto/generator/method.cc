#include "proto/generator/method.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/compiler/cpp/names.h"

namespace udsrpc::generator {

using google::protobuf::MethodDescriptor;

MethodKind KindOf(const MethodDescriptor& method) {
  if (method.client_streaming()) {
    return method.server_streaming() ? MethodKind::kBidiStreaming : MethodKind::kClientStreaming;
  }
  return method.server_streaming() ? MethodKind::kServerStreaming : MethodKind::kUnary;
}

std::string KindName(MethodKind kind) {
  switch (kind) {
    case MethodKind::kUnary:
      return "Unary";
    case MethodKind::kServerStreaming:
      return "ServerStreaming";
    case MethodKind::kClientStreaming:
      return "ClientStreaming";
    case MethodKind::kBidiStreaming:
      return "BidiStreaming";
  }
  return "";
}

std::string PathOf(const MethodDescriptor& method) {
  return absl::StrCat("/", std::string(method.service()->full_name()), "/", std::string(method.name()));
}

std::string RequestType(const MethodDescriptor& method) {
  return google::protobuf::compiler::cpp::QualifiedClassName(method.input_type());
}

std::string ReplyType(const MethodDescriptor& method) {
  return google::protobuf::compiler::cpp::QualifiedClassName(method.output_type());
}

}  // namespace udsrpc::generator
