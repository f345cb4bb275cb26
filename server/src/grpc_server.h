#ifndef UDSRPC_SERVER_GRPC_SERVER_H_
#define UDSRPC_SERVER_GRPC_SERVER_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/src/dispatch.h"
#include "server/src/grpc_call_set.h"
#include "server/src/grpc_callers.h"
#include "server/src/grpc_poller_pool.h"
#include "udsrpc/server.h"

namespace udsrpc {

// A gRPC server one generic service of which takes every call, and the threads that serve it. Thread-safe.
class GrpcServer final : private GrpcPollerPool::Source {
 public:
  // The arguments must outlive it.
  GrpcServer(const MethodTable& methods, const ServerOptions& options, GrpcCallers& callers);
  // After Shutdown, where Start returned OK.
  ~GrpcServer() override = default;

  // Builds it by `builder`, of which it sets all but the ports and what is particular to them. INTERNAL: the library
  // does not start it, be it for want of a port. RESOURCE_EXHAUSTED: no thread left.
  absl::Status Start(grpc::ServerBuilder& builder);
  // Takes calls from now on; until then they wait in the library. Once.
  void Begin() { calls_->Start(); }

  grpc::Server& grpc_server() { return *server_; }
  GrpcCallSet& calls() { return *calls_; }

  // See Server::Shutdown.
  void Shutdown(absl::Time deadline);
  // See ServerTransport.
  bool CallerServes() { return pool_.HasCaller(); }

 private:
  bool Next(GrpcPollerPool::Handler*& handler) override;

  const MethodTable& methods_;
  const ServerOptions& options_;
  GrpcCallers& callers_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  GrpcPollerPool pool_;
  std::unique_ptr<GrpcCallSet> calls_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_GRPC_SERVER_H_
