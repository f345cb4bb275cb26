#include "server/src/grpc_transport.h"

#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/src/grpc_peers.h"
#include "server/src/grpc_server.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {
namespace {

// How often to look whether the clients have left, where a successor has taken over.
constexpr absl::Duration kFarewellLook = absl::Milliseconds(10);

// A gRPC server without a listening socket: connections are handed to it.
class GrpcServerTransport final : public ServerTransport {
 public:
  GrpcServerTransport(const MethodTable& methods, const ServerOptions& options)
      : options_(options), server_(methods, options_, peers_) {}

  absl::Status Start() {
    grpc::ServerBuilder builder;
    absl::Status status = server_.Start(builder);
    if (status.ok()) server_.Begin();
    return status;
  }

  absl::Status Adopt(UniqueFd connection, std::shared_ptr<const Caller> caller) override {
    connection = peers_.Add(std::move(connection), std::move(caller), GrpcPeers::Clock::now(),
                            server_.calls().not_held_back_since());
    if (!connection.valid()) {
      return absl::ResourceExhaustedError(
          "no descriptor's number is left that no other client had a moment ago; raise the limit of open files");
    }
    grpc::AddInsecureChannelFromFd(&server_.grpc_server(), connection.release());
    return absl::OkStatus();
  }

  void ForgetClosed() override { peers_.Sweep(GrpcPeers::Clock::now(), server_.calls().not_held_back_since()); }

  // What GOAWAY would cost, see GrpcServer::Shutdown, a client of ours is spared: it moves when an answer tells it that
  // it should, and closes its old connection when its calls there have ended. The library tells nobody that a
  // connection was closed.
  void Farewell(absl::Time deadline) override {
    server_.calls().AnnounceSuccessor();
    internal::MutexLock lock(mutex_);
    while (!farewell_cut_short_ && absl::Now() < deadline && peers_.HasOpen()) {
      cut_short_.WaitWithTimeout(mutex_, kFarewellLook);
    }
  }

  void CutFarewellShort() override {
    internal::MutexLock lock(mutex_);
    farewell_cut_short_ = true;
    cut_short_.SignalAll();
  }

  void Shutdown(absl::Time deadline) override { server_.Shutdown(deadline); }
  bool CallerServes() override { return server_.CallerServes(); }

 private:
  const ServerOptions options_;
  GrpcPeers peers_;
  GrpcServer server_;

  internal::Mutex mutex_;
  internal::CondVar cut_short_;
  bool farewell_cut_short_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServerTransport>> MakeGrpcServerTransport(const MethodTable& methods,
                                                                         const ServerOptions& options) {
  auto transport = std::make_unique<GrpcServerTransport>(methods, options);
  if (absl::Status status = transport->Start(); !status.ok()) return status;
  return transport;
}

}  // namespace udsrpc
