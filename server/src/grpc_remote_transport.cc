#include "server/src/grpc_remote_transport.h"

#include <grpc/grpc.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/grpc_limits.h"
#include "common/src/socket/tcp_port.h"
#include "server/src/grpc_remote_callers.h"
#include "server/src/grpc_server.h"
#include "server/src/grpc_server_credentials.h"

namespace udsrpc {
namespace {

// Who connects and does not speak takes a descriptor. gRPC's own default, two minutes, is for slow networks' sake; this
// is ample for a handshake of a few round trips.
constexpr absl::Duration kHandshakeTimeout = absl::Seconds(20);

// Of one connection, beyond as many calls as all may have: they are refused, and wait for the client to take that.
constexpr int kRefusedCalls = 256;

constexpr int kNoPort = -1;  // chosen

class GrpcRemoteTransport final : public ServerTransport {
 public:
  GrpcRemoteTransport(const MethodTable& methods, const ServerOptions& options)
      : options_(options), callers_(options.remote_limits), server_(methods, options_, callers_) {}

  absl::Status Start(const std::vector<RemoteEndpoint>& endpoints, bool shared, std::vector<std::string>* targets) {
    grpc::ServerBuilder builder;
    // gRPC's default lets servers take each other's callers unseen.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, shared ? 1 : 0);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, GrpcMilliseconds(kHandshakeTimeout));
    if (const int calls = options_.remote_limits.max_calls; calls < std::numeric_limits<int>::max() - kRefusedCalls) {
      builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, calls + kRefusedCalls);
    }
    if (std::all_of(endpoints.begin(), endpoints.end(),
                    [](const RemoteEndpoint& one) { return one.credentials->verifies_clients(); })) {
      callers_.AreVerified();
    }
    std::vector<int> ports(endpoints.size(), kNoPort);
    for (size_t i = 0; i < endpoints.size(); ++i) {
      const RemoteTarget& target = endpoints[i].target;
      if (absl::Status free = CheckPortIsFree(target.host(), target.port(), shared); !free.ok()) {
        return absl::Status(free.code(), absl::StrCat(target.ToString(), ": cannot listen: ", free.message()));
      }
      builder.AddListeningPort(target.HostAndPort(), endpoints[i].credentials->grpc(), &ports[i]);
    }
    absl::Status status = server_.Start(builder);
    const auto refused = std::find(ports.begin(), ports.end(), kNoPort) - ports.begin();
    if (!status.ok() && static_cast<size_t>(refused) < ports.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(endpoints[refused].target.ToString(),
                       ": the gRPC library does not listen there with these credentials; are its certificate and key "
                       "whole, and of each other? Its log says more"));
    }
    if (!status.ok()) return status;
    for (size_t i = 0; i < endpoints.size(); ++i) {
      targets->push_back(endpoints[i].target.WithPort(ports[i]).ToString());
    }
    return absl::OkStatus();
  }

  void Begin() override { server_.Begin(); }

  absl::Status Adopt(UniqueFd /*connection*/, std::shared_ptr<const Caller> /*caller*/) override {
    return absl::InternalError("a remote endpoint has its own connections alone");
  }

  // Its port is not handed over, so there is nothing to wait for: Shutdown asks the clients to go elsewhere, as at the
  // end of any server.
  void Farewell(absl::Time /*deadline*/) override {}
  void CutFarewellShort() override {}

  void Shutdown(absl::Time deadline) override { server_.Shutdown(deadline); }
  bool CallerServes() override { return server_.CallerServes(); }

 private:
  const ServerOptions options_;
  GrpcRemoteCallers callers_;
  GrpcServer server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServerTransport>> MakeGrpcRemoteTransport(const MethodTable& methods,
                                                                         const ServerOptions& options,
                                                                         const std::vector<RemoteEndpoint>& endpoints,
                                                                         bool shared,
                                                                         std::vector<std::string>* targets) {
  auto transport = std::make_unique<GrpcRemoteTransport>(methods, options);
  if (absl::Status status = transport->Start(endpoints, shared, targets); !status.ok()) return status;
  return transport;
}

}  // namespace udsrpc
