#ifndef UDSRPC_TESTS_GENERATOR_PARSE_PROTO_H_
#define UDSRPC_TESTS_GENERATOR_PARSE_PROTO_H_

#include <string>

#include "google/protobuf/descriptor.h"

namespace udsrpc::generator {

// Parses `text` as the file `name` and adds it to `pool`, which owns the result and has what it imports. Fails the test
// and returns null where `text` is no .proto.
const google::protobuf::FileDescriptor* ParseProto(google::protobuf::DescriptorPool& pool, const std::string& name,
                                                   const std::string& text);

}  // namespace udsrpc::generator

#endif  // UDSRPC_TESTS_GENERATOR_PARSE_PROTO_H_
