#ifndef UDSRPC_METHOD_H_
#define UDSRPC_METHOD_H_

namespace udsrpc {

enum class MethodKind { kUnary, kServerStreaming, kClientStreaming, kBidiStreaming };

// Whether the client sends one message, and whether the server does.
constexpr bool ReadsOneRequest(MethodKind kind) {
  return kind == MethodKind::kUnary || kind == MethodKind::kServerStreaming;
}
constexpr bool WritesOneResponse(MethodKind kind) {
  return kind == MethodKind::kUnary || kind == MethodKind::kClientStreaming;
}

// A method as a generated stub names it. `path` outlives every call of the method; in generated code it is a literal.
struct MethodDescriptor {
  const char* path;  // "/package.Service/Method"
  MethodKind kind;
};

}  // namespace udsrpc

#endif  // UDSRPC_METHOD_H_
