#ifndef UDSRPC_SERVER_H_
#define UDSRPC_SERVER_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "udsrpc/service.h"

namespace udsrpc {

struct EndpointOptions {
  // Which transports the endpoint offers; at least one.
  bool grpc = true;
  bool seqpacket = true;

  // File mode of a path's sockets, set before they are visible. Connecting needs write permission.
  mode_t mode = 0600;

  // User ids whose connections an abstract endpoint admits beside this process's own and root's. An abstract name has
  // no file permissions, so without this check every process of the network namespace could connect. Others are
  // disconnected at once. Does not apply to paths, which `mode` and the directory guard.
  std::vector<uid_t> allowed_uids = {};
};

struct ServerOptions {
  // The largest request accepted, in bytes of its encoding; a larger one ends its call with RESOURCE_EXHAUSTED.
  // Default: gRPC's.
  size_t max_receive_message_bytes = 4 << 20;

  // The most metadata accepted from a client for one call, by Metadata::ByteSize. Default: gRPC's.
  size_t max_metadata_bytes = 8 << 10;

  // Handlers that may run at once, over all connections of a transport; further calls wait. At least 1. Threads are
  // started as handlers block and end when long unused; one or two more than handlers are there to read.
  int max_handler_threads = 256;
};

class ServerTransport;
class SocketListener;
class MethodTable;

// A running server. Made by ServerBuilder::Start. Thread-safe.
class Server {
 public:
  // As Shutdown(absl::InfinitePast()): running calls are cancelled, and their handlers waited for.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Stops listening, removes the socket files, refuses new calls (UNAVAILABLE), lets running ones end until
  // `deadline` and then cancels the rest: their clients get UNAVAILABLE or CANCELLED and their contexts turn
  // cancelled. Blocks until every handler has returned, so a handler that never looks at IsCancelled delays it.
  // Must not be called from a handler. Further calls wait for the first.
  void Shutdown(absl::Time deadline);
  void Shutdown() { Shutdown(absl::InfiniteFuture()); }

  // Blocks until some thread has shut the server down.
  void Wait();

  // The endpoints' targets, in the order in which they were added.
  const std::vector<std::string>& endpoints() const { return endpoints_; }

 private:
  friend class ServerBuilder;
  Server();

  struct State;
  std::vector<std::string> endpoints_;
  std::unique_ptr<State> state_;
};

// Collects what a server is made of. Not thread-safe.
class ServerBuilder {
 public:
  ServerBuilder() = default;
  explicit ServerBuilder(ServerOptions options) : options_(std::move(options)) {}

  // `target` is parsed by Start. At least one endpoint is needed.
  ServerBuilder& AddEndpoint(absl::string_view target, EndpointOptions options = {});

  // `service` must outlive the server, and is called by many threads at once.
  ServerBuilder& RegisterService(Service* service);

  // Listens on every endpoint and starts to serve, or does nothing at all. Once a builder. The message names the
  // endpoint and says what to do.
  // INVALID_ARGUMENT: no endpoint; a target that is none; a path too long; an endpoint without a transport.
  // ALREADY_EXISTS: a live server holds the endpoint, or something that is no socket is at the path; two services of
  //   one name.
  // NOT_FOUND: the path's directory is missing. PERMISSION_DENIED: it may not be written.
  // UNIMPLEMENTED: an endpoint offers gRPC and the program is linked without it.
  absl::StatusOr<std::unique_ptr<Server>> Start();

 private:
  ServerOptions options_;
  std::vector<std::pair<std::string, EndpointOptions>> endpoints_;
  std::vector<Service*> services_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_H_
