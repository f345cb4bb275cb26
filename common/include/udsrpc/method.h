#ifndef UDSRPC_METHOD_H_
#define UDSRPC_METHOD_H_

namespace udsrpc {

enum class MethodKind { kUnary, kServerStreaming, kClientStreaming, kBidiStreaming };

// A method as a generated stub names it. Used by generated code; `path` is a string literal.
struct MethodDescriptor {
  const char* path;  // "/package.Service/Method"
  MethodKind kind;
};

}  // namespace udsrpc

#endif  // UDSRPC_METHOD_H_
