#ifndef UDSRPC_PROTO_GENERATOR_GENERATOR_H_
#define UDSRPC_PROTO_GENERATOR_GENERATOR_H_

#include <cstdint>
#include <string>

#include "google/protobuf/compiler/code_generator.h"
#include "google/protobuf/descriptor.h"

namespace udsrpc::generator {

// Generates x.udsrpc.pb.h and x.udsrpc.pb.cc from x.proto: for each of its services a class to derive from and a stub.
// They stand on the x.pb.h that protoc's C++ generator makes, and can be linked beside gRPC's x.grpc.pb.h.
class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  // False, with `error` set: `parameter` is not empty; there are none yet.
  bool Generate(const google::protobuf::FileDescriptor* file, const std::string& parameter,
                google::protobuf::compiler::GeneratorContext* context, std::string* error) const override;

  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
};

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_GENERATOR_H_
