#include "server/src/grpc_server.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/time/clock.h"
#include "common/src/grpc_limits.h"
#include "server/src/grpc_tag.h"

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

// gRPC handles one ready descriptor a poll. A few more than a test's server has clients.
constexpr int kPolls = 16;

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
        {.tv_sec = at.tv_sec, .tv_nsec = static_cast<int32_t>(at.tv_nsec), .clock_type = GPR_CLOCK_REALTIME}, nullptr);
    connected_ = event.type != GRPC_OP_COMPLETE;
  }

 private:
  grpc_completion_queue* const notifications_;
  bool connected_ = true;
};

}  // namespace

GrpcServer::GrpcServer(const MethodTable& methods, const ServerOptions& options, GrpcCallers& callers)
    : methods_(methods),
      options_(options),
      callers_(callers),
      pool_(*this, {.max_handlers = options.max_handler_threads, .max_pollers = MaxPollers()}) {}

absl::Status GrpcServer::Start(grpc::ServerBuilder& builder) {
  builder.RegisterAsyncGenericService(&service_);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, GrpcMilliseconds(options_.max_connection_idle));
  if (options_.max_connection_age != absl::InfiniteDuration()) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, GrpcMilliseconds(options_.max_connection_age));
  }
  // Pings may come as often as they like. By default gRPC turns clients away that ask more often than every five
  // minutes; and version 1.51 says so once for each further ping, as long as the client does not read: a flood of pings
  // took 50 MiB a connection. Without, it stops reading when 10,000 answers have not been read.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  SetGrpcLimits(options_, [&builder](const char* name, int value) { builder.AddChannelArgument(name, value); });
  queue_ = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("the gRPC library did not start a server; see its log");
  calls_ = std::make_unique<GrpcCallSet>(methods_, options_.max_metadata_bytes, callers_, service_, *queue_, pool_);
  absl::Status status = pool_.Start();
  if (status.ok()) return status;
  // No thread of ours will take the events, so this one does.
  server_->Shutdown(std::chrono::system_clock::now());
  queue_->Shutdown();
  GrpcPollerPool::Handler* handler;
  while (Next(handler)) continue;
  return status;
}

void GrpcServer::Shutdown(absl::Time deadline) {
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

bool GrpcServer::Next(GrpcPollerPool::Handler*& handler) {
  void* tag;
  bool ok;
  if (!queue_->Next(&tag, &ok)) return false;
  handler = GrpcTag::Acquire(tag).Proceed(ok);
  return true;
}

}  // namespace udsrpc
