#include "udsrpc/introspection.h"

#include <unistd.h>

#include <utility>

#include "server/src/introspection/call_watches.h"
#include "server/src/introspection/stats_message.h"
#include "udsrpc/v1/introspection.udsrpc.pb.h"

namespace udsrpc {
namespace {

constexpr char kGetStats[] = "/udsrpc.v1.Introspection/GetStats";
constexpr char kWatchCalls[] = "/udsrpc.v1.Introspection/WatchCalls";

}  // namespace

class Introspection::Impl final : public v1::IntrospectionService {
 public:
  explicit Impl(IntrospectionOptions options) : options_(std::move(options)), watches_(options_) {}

  const IntrospectionOptions& options() const { return options_; }
  CallWatches& watches() { return watches_; }
  void SetMonitor(internal::ServerMonitor& monitor) {
    monitor_ = &monitor;
    watches_.SetMonitor(monitor);
  }

 private:
  absl::Status GetStats(ServerContext& /*context*/, const v1::GetStatsRequest& request,
                        v1::GetStatsResponse& response) override {
    SetStats(monitor_->Stats(), request, response);
    return absl::OkStatus();
  }

  absl::Status WatchCalls(ServerContext& context, const v1::WatchCallsRequest& request,
                          ServerWriter<v1::WatchCallsResponse>& writer) override {
    absl::StatusOr<std::shared_ptr<CallWatch>> watch = watches_.Add(request);
    if (!watch.ok()) return watch.status();
    context.AddCancelCallback([watch = *watch] { watch->Close(); });
    writer.SendInitialMetadata();
    v1::WatchCallsResponse response;
    while ((*watch)->Take(response) && writer.Write(response)) continue;
    watches_.Remove(*watch);
    return absl::OkStatus();
  }

  const IntrospectionOptions options_;
  internal::ServerMonitor* monitor_ = nullptr;
  CallWatches watches_;
};

Introspection::Introspection(IntrospectionOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Introspection::~Introspection() = default;

std::vector<Service*> Introspection::services() { return {impl_.get()}; }

std::map<std::string, MethodOptions> Introspection::method_options() {
  MethodOptions options{.allowed_uids = impl_->options().allowed_uids, .allowed_gids = impl_->options().allowed_gids};
  options.allowed_uids.push_back(geteuid());  // without any it would be for everybody
  MethodOptions watching = options;
  watching.dispatch = MethodOptions::Dispatch::kPool;  // it blocks
  return {{kGetStats, std::move(options)}, {kWatchCalls, std::move(watching)}};
}

ServerInterceptorFactory Introspection::interceptor() {
  if (impl_->options().max_payload_bytes == 0) return nullptr;
  return [this](const MethodDescriptor& method) { return impl_->watches().MakeRecorder(method); };
}

absl::Status Introspection::OnStart(const ServerInfo& server) {
  const IntrospectionOptions& options = impl_->options();
  if (options.max_waiting_calls < 1 || options.max_waiting_bytes < 1 || options.max_watchers < 1) {
    return absl::InvalidArgumentError(
        "IntrospectionOptions::max_waiting_calls, ::max_waiting_bytes and ::max_watchers must be at least 1");
  }
  impl_->SetMonitor(*server.monitor);
  impl_->watches().Open();
  return absl::OkStatus();
}

void Introspection::OnEnd() { impl_->watches().Close(); }

}  // namespace udsrpc
