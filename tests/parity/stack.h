#ifndef UDSRPC_TESTS_PARITY_STACK_H_
#define UDSRPC_TESTS_PARITY_STACK_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/parity/client_call.h"
#include "tests/parity/server_call.h"
#include "udsrpc/transport.h"

namespace udsrpc::parity {

// Those of gRPC 1.51, unless the scenario sets others.
struct Limits {
  size_t server_receive_bytes = 4 << 20;
  size_t client_receive_bytes = 4 << 20;
};

// A client and a server of one make in this process, with a socket between them. Destroying it shuts the server down at
// once, after the calls have been destroyed.
class Stack {
 public:
  virtual ~Stack() = default;

  virtual void StartServer(Script script) = 0;
  // One whose methods end with OK when they have read one message, or the half-close, and send nothing.
  virtual void StartServerWithoutReplies() = 0;
  // As a program does it: calls that still run after `grace` are cancelled. Blocks until all handlers have returned.
  virtual void ShutdownServer(absl::Duration grace) = 0;

  // `refused` gets the keys of the options' metadata that the context does not take.
  virtual std::unique_ptr<ClientCall> MakeCall(const CallOptions& options, std::vector<std::string>& refused) = 0;
};

// How a program makes its calls: it blocks, gives a completion, or awaits. Where it awaits, its server's handlers are
// coroutines, too. kGrpcStub, kGrpcStubQueue and kGrpcStubCallback are those of gRPC's own stubs, which block, have a
// completion queue, or reactors, on a channel of CreateGrpcChannel. kGrpcService blocks, and the services are gRPC's
// own, in our server.
enum class Face { kBlocking, kCallback, kCoroutine, kGrpcStub, kGrpcStubQueue, kGrpcStubCallback, kGrpcService };
// gRPC's own stubs and services: the oracle. `target` is a unix: one. The stubs are those of kGrpcStubCallback, which
// ask for the status from the start, or block.
std::unique_ptr<Stack> MakeStockStack(const std::string& target, Face face, const Limits& limits);
// udsrpc's. What carries the calls is an option of the channel, and nothing else differs.
std::unique_ptr<Stack> MakeUdsrpcStack(const std::string& target, Transport transport, Face face, const Limits& limits);
// The same over TLS, at a TCP port of its own: nothing but the target differs, and the credentials.
std::unique_ptr<Stack> MakeUdsrpcTlsStack(Face face, const Limits& limits);

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_STACK_H_
