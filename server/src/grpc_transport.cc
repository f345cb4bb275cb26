#include "server/src/grpc_transport.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/src/grpc_limits.h"
#include "server/src/grpc_call_set.h"
#include "server/src/grpc_peers.h"
#include "server/src/grpc_poller_pool.h"
#include "server/src/grpc_tag.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {
namespace {

// Half of the CPUs: the clients are on the same host.
int MaxPollers() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency() / 2)); }

// How long the clients are not asked to go elsewhere while calls run, see Shutdown. Ample for calls within one host;
// short enough that a long stream does not keep the other clients from this server's successor.
constexpr absl::Duration kUnannounced = absl::Milliseconds(500);

// How long after the last reply a client gets to read it and to close the connection, as gRPC's do when asked to go
// elsewhere. One that finds the connection closed while it writes throws away what it has not read.
constexpr absl::Duration kLinger = absl::Milliseconds(100);

// How often to look whether the clients have left, where a successor has taken over.
constexpr absl::Duration kFarewellLook = absl::Milliseconds(10);

// gRPC handles one ready descriptor a poll. A few more than a test's server has clients.
constexpr int kPolls = 16;

// A gRPC server without a listening socket: connections are handed to it, and one generic service takes every call.
class GrpcServerTransport final : public ServerTransport, private GrpcPollerPool::Source {
 public:
  GrpcServerTransport(const MethodTable& methods, const ServerOptions& options)
      : methods_(methods),
        options_(options),
        pool_(*this, {.max_handlers = options.max_handler_threads, .max_pollers = MaxPollers()}) {}

  absl::Status Start() {
    grpc::ServerBuilder builder;
    builder.RegisterAsyncGenericService(&service_);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, GrpcMilliseconds(options_.max_connection_idle));
    if (options_.max_connection_age != absl::InfiniteDuration()) {
      builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, GrpcMilliseconds(options_.max_connection_age));
    }
    // Clients of ours ask no more often. gRPC's own default, five minutes, would have them turned away.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10);
    SetGrpcLimits(options_, [&builder](const char* name, int value) { builder.AddChannelArgument(name, value); });
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::InternalError("the gRPC library did not start a server; see its log");
    calls_ = std::make_unique<GrpcCallSet>(methods_, options_.max_metadata_bytes, peers_, service_, *queue_, pool_);
    calls_->Start();
    if (absl::Status status = pool_.Start(); !status.ok()) {
      // No thread of ours will take the events, so this one does.
      server_->Shutdown(std::chrono::system_clock::now());
      queue_->Shutdown();
      GrpcPollerPool::Handler* handler;
      while (Next(handler)) continue;
      return status;
    }
    return absl::OkStatus();
  }

  absl::Status Adopt(UniqueFd connection, std::shared_ptr<const Caller> caller) override {
    connection =
        peers_.Add(std::move(connection), std::move(caller), GrpcPeers::Clock::now(), calls_->not_held_back_since());
    if (!connection.valid()) {
      return absl::ResourceExhaustedError(
          "no descriptor's number is left that no other client had a moment ago; raise the limit of open files");
    }
    grpc::AddInsecureChannelFromFd(server_.get(), connection.release());
    return absl::OkStatus();
  }

  void ForgetClosed() override { peers_.Sweep(GrpcPeers::Clock::now(), calls_->not_held_back_since()); }

  // What GOAWAY would cost, see Shutdown, a client of ours is spared: it moves when an answer tells it that it should,
  // and closes its old connection when its calls there have ended. The library tells nobody that a connection was
  // closed.
  void Farewell(absl::Time deadline) override {
    calls_->AnnounceSuccessor();
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

  void Shutdown(absl::Time deadline) override {
    calls_->Drain();
    // gRPC 1.51 ends some of the calls that run when it asks the clients to go elsewhere (GOAWAY) badly, its own
    // servers' too. So that comes after the calls, unless these take long. Until then, new calls are refused here.
    //   - It closes a connection with the last reply. A client that writes just then, be it a ping to measure the
    //     bandwidth, gets EPIPE, and throws away the replies that it has not read: UNAVAILABLE, "Broken pipe". Behind
    //     the replies, GOAWAY's own ping makes sure that they have been read. See github.com/grpc/grpc/issues/14643.
    //   - A call that it was about to hand to us is forgotten, and hangs until all calls are cancelled.
    calls_->AwaitRunning(std::min(deadline, absl::Now() + kUnannounced));
    // Step by step by the library's C interface. grpc::Server::Shutdown(deadline) waits, beyond the calls, until every
    // client has closed its connection; an idle gRPC client reads that it should every 5 s at best, others never.
    GoingAway going_away(*server_);
    calls_->AwaitEnd(deadline);
    going_away.AwaitDisconnection(std::min(deadline, calls_->last_end() + kLinger));
    calls_->MarkAllCancelled();
    grpc_server_cancel_all_calls(server_->c_server());
    calls_->AwaitEnd(absl::InfiniteFuture());
    server_->Shutdown(std::chrono::system_clock::now());
    queue_->Shutdown();
    pool_.Join();
  }

 private:
  // Has `server` ask its clients to go elsewhere, and take no more calls, by a queue of its own, as grpc::Server does.
  // To be destroyed when it has shut down.
  class GoingAway {
   public:
    explicit GoingAway(grpc::Server& server) : notifications_(grpc_completion_queue_create_for_next(nullptr)) {
      grpc_server_shutdown_and_notify(server.c_server(), notifications_, nullptr);
    }
    ~GoingAway() {
      if (connected_) grpc_completion_queue_next(notifications_, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
      // Clients in this very process learn now that their connections are gone, not by their next call's failure.
      for (int i = 0; i < kPolls; ++i) {
        grpc_completion_queue_next(notifications_, gpr_inf_past(GPR_CLOCK_REALTIME), nullptr);
      }
      grpc_completion_queue_shutdown(notifications_);
      grpc_completion_queue_next(notifications_, gpr_inf_future(GPR_CLOCK_REALTIME), nullptr);
      grpc_completion_queue_destroy(notifications_);
    }

    // Blocks until all clients are gone, or until `deadline`.
    void AwaitDisconnection(absl::Time deadline) {
      const timespec at = absl::ToTimespec(std::max(deadline, absl::UnixEpoch()));
      const grpc_event event = grpc_completion_queue_next(
          notifications_,
          {.tv_sec = at.tv_sec, .tv_nsec = static_cast<int32_t>(at.tv_nsec), .clock_type = GPR_CLOCK_REALTIME},
          nullptr);
      connected_ = event.type != GRPC_OP_COMPLETE;
    }

   private:
    grpc_completion_queue* const notifications_;
    bool connected_ = true;
  };

  bool Next(GrpcPollerPool::Handler*& handler) override {
    void* tag;
    bool ok;
    if (!queue_->Next(&tag, &ok)) return false;
    handler = GrpcTag::Acquire(tag).Proceed(ok);
    return true;
  }

  const MethodTable& methods_;
  const ServerOptions options_;
  GrpcPeers peers_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  GrpcPollerPool pool_;
  std::unique_ptr<GrpcCallSet> calls_;

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
