#ifndef UDSRPC_PROTO_GENERATOR_NAMES_H_
#define UDSRPC_PROTO_GENERATOR_NAMES_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace udsrpc::generator {

// The C++ names of one service. A name that is taken has underscores appended until it is free, which depends on
// nothing but the .proto and its imports:
//
// - a class, where the package already has a message, enum, enum value, extension, service or subpackage of that name;
// - a method, where its own name is a reserved word, the name of its class or, in the stub, `Async` or `AsyncStub`.
//   Methods whose names can stay as they are do, and come first;
// - a method's coroutine, SayHelloAsync of SayHello, where a method or another's coroutine has that name.
struct ServiceNames {
  std::string service_class;
  std::string stub_class;
  std::vector<std::string> service_methods;  // in the order of the .proto
  std::vector<std::string> service_coroutines;
  std::vector<std::string> stub_methods;
  std::string channel_member;  // where the stub keeps its channel
};

ServiceNames NamesOf(const google::protobuf::ServiceDescriptor& service);

// The namespace in which protoc's C++ generator puts what `file` declares, such as "a::b"; empty for the global one.
std::string NamespaceOf(const google::protobuf::FileDescriptor& file);

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_NAMES_H_
