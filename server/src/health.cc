#include "udsrpc/health.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/src/valid_utf8.h"
#include "grpc/health/v1/health.udsrpc.pb.h"
#include "server/src/health_table.h"
#include "udsrpc/spawn.h"
#include "udsrpc/wait.h"

namespace udsrpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using Watcher = HealthTable::Watcher;

// Of names that nobody has set: each that is watched is kept.
constexpr size_t kMaxUnknownName = 1024;

// Of such a name, in an error.
constexpr size_t kMostQuotedBytes = 256;

HealthCheckResponse ToResponse(HealthState state) {
  HealthCheckResponse response;
  switch (state) {
    case HealthState::kServing:
      response.set_status(HealthCheckResponse::SERVING);
      break;
    case HealthState::kNotServing:
      response.set_status(HealthCheckResponse::NOT_SERVING);
      break;
    case HealthState::kUnknown:
      response.set_status(HealthCheckResponse::SERVICE_UNKNOWN);
      break;
  }
  return response;
}

// Waits for the client alone, so that the handler need not.
Task<> Tell(std::shared_ptr<Watcher> watcher, AsyncServerWriter<HealthCheckResponse> writer, HealthState state) {
  const HealthCheckResponse response = ToResponse(state);
  const bool told = co_await writer.Write(response);
  watcher->OnTold(told);
}

// How long those who watch may take to be told of the end. Over gRPC a message may have to wait for the one before it,
// though the client reads.
constexpr absl::Duration kFarewell = absl::Seconds(1);

Task<> GiveUpSoon(std::shared_ptr<HealthTable> table, int end) {
  co_await Sleep(kFarewell);
  table->GiveUp(end);
}

}  // namespace

class Health::HealthService final : public grpc::health::v1::HealthService {
 public:
  const std::shared_ptr<HealthTable>& table() const { return table_; }

 private:
  absl::Status Check(ServerContext& /*context*/, const HealthCheckRequest& request,
                     HealthCheckResponse& response) override {
    const HealthState state = table_->StateOf(request.service());
    if (state == HealthState::kUnknown) {
      return absl::NotFoundError(
          absl::StrCat("no health is known of \"", ValidUtf8(request.service(), kMostQuotedBytes), "\""));
    }
    response = ToResponse(state);
    return absl::OkStatus();
  }

  Task<absl::Status> WatchAsync(ServerContext& context, const HealthCheckRequest& request,
                                AsyncServerWriter<HealthCheckResponse> writer) override {
    if (request.service().size() > kMaxUnknownName && table_->StateOf(request.service()) == HealthState::kUnknown) {
      co_return absl::InvalidArgumentError(absl::StrCat("a service's name of ", request.service().size(), " bytes"));
    }
    const auto watcher = std::make_shared<Watcher>(table_, request.service());
    const Cancellation::Subscription subscription =
        context.cancellation().Subscribe([&watcher = *watcher] { watcher.OnGone(); });
    for (;;) {
      const Watcher::Step step = co_await watcher->Next();
      if (step.over) break;
      if (!step.state) continue;
      Task<> tell = Tell(watcher, writer, *step.state);
      Spawn(std::move(tell));
    }
    context.cancellation().Unsubscribe(subscription);
    const bool told_of_the_end = watcher->Leave();
    // gRPC's clients drop what they have not read where the status is an error, so this must be none.
    if (told_of_the_end) co_return absl::OkStatus();
    co_return absl::UnavailableError("the server is shutting down, or nobody watches any more");
  }

  const std::shared_ptr<HealthTable> table_ = std::make_shared<HealthTable>();
};

Health::Health() : service_(std::make_unique<HealthService>()) {}

Health::~Health() = default;

void Health::SetServing(absl::string_view service, bool serving) { service_->table()->SetServing(service, serving); }

void Health::SetMaintenance(bool maintenance) { service_->table()->SetMaintenance(maintenance); }

std::vector<Service*> Health::services() { return {service_.get()}; }

absl::Status Health::OnStart(const ServerInfo& server) {
  std::vector<absl::string_view> names{""};
  for (const Service* service : server.services) names.push_back(service->name());
  service_->table()->Start(names);
  return absl::OkStatus();
}

void Health::OnEnd() {
  const std::optional<int> end = service_->table()->End();
  if (!end) return;
  Task<> give_up = GiveUpSoon(service_->table(), *end);
  Spawn(std::move(give_up));
}

}  // namespace udsrpc
