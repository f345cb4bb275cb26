#include "tools/health.h"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.udsrpc.pb.h"
#include "tools/flags.h"
#include "tools/json.h"
#include "tools/target.h"
#include "tools/terminal.h"

ABSL_FLAG(bool, wait, false, "Wait until it is SERVING, or --timeout has passed; the server need not run yet");

namespace udsrpc::tools {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::health::v1::HealthStub;

// Between two attempts to watch: short at first, as a server that restarts is soon there.
constexpr absl::Duration kFirstHealthPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestHealthPause = absl::Seconds(1);

constexpr char kNoHealth[] =
    "the server has no health checking (grpc.health.v1.Health); \"udsrpc list\" shows what it has";

std::string ServiceTitle(const std::string& service) {
  return service.empty() ? "the server" : absl::StrCat("service ", service);
}

// Prints the state; how the command ends with it.
Outcome ReportHealth(const std::string& service, HealthCheckResponse::ServingStatus state) {
  const bool serving = state == HealthCheckResponse::SERVING;
  std::string name = HealthCheckResponse::ServingStatus_Name(state);
  if (name.empty()) name = absl::StrCat(static_cast<int>(state));  // of a later version
  std::string line = Styled(serving ? Style::kGreen : Style::kRed, name);
  if (absl::GetFlag(FLAGS_json)) {
    line = absl::StrCat("{\"service\":", JsonString(service), ",\"status\":", JsonString(name), "}");
  }
  std::printf("%s\n", line.c_str());
  return serving ? Outcome::Ok() : Outcome::Failed("");  // that is all there is to say
}

Outcome CheckHealth(const std::string& target, const HealthStub& stub, const std::string& service) {
  ClientContext context;
  if (Outcome outcome = PrepareContext(&context); outcome.code != ExitCode::kOk) return outcome;
  HealthCheckRequest request;
  HealthCheckResponse response;
  request.set_service(service);
  const absl::Status status = stub.Check(context, request, response);
  if (absl::IsUnimplemented(status)) return Outcome::Failed(kNoHealth);
  if (absl::IsNotFound(status)) {
    return Outcome::Usage(
        absl::StrCat("the server knows no health of ", service, "; \"udsrpc list\" shows its services"));
  }
  if (!status.ok()) return CallOutcome(target, status);
  return ReportHealth(service, response.status());
}

// Waits for SERVING, by Watch; by a new one where the last has ended.
class HealthWait {
 public:
  HealthWait(std::string target, const HealthStub& stub, std::string service)
      : target_(std::move(target)), stub_(stub), service_(std::move(service)) {}

  Outcome Run() {
    absl::Duration pause = kFirstHealthPause;
    for (;;) {
      const absl::Duration left = deadline_ - absl::Now();
      if (left <= absl::ZeroDuration()) return TimedOut();
      bool heard = false;
      const absl::Status status = Watch(left, &heard);
      if (outcome_.code != ExitCode::kOk) return outcome_;
      if (status.ok() && serving_) return ReportHealth(service_, HealthCheckResponse::SERVING);
      if (absl::IsUnimplemented(status)) return Outcome::Failed(kNoHealth);
      if (absl::IsPermissionDenied(status) || absl::IsUnauthenticated(status)) return CallOutcome(target_, status);
      if (!absl::IsDeadlineExceeded(status)) last_ = status;
      pause = heard ? kFirstHealthPause : std::min(2 * pause, kLongestHealthPause);
      absl::SleepFor(std::min(pause, std::max(absl::ZeroDuration(), deadline_ - absl::Now())));
    }
  }

 private:
  // The status with which the watch has ended, OK where it was left as the service serves.
  absl::Status Watch(absl::Duration timeout, bool* heard) {
    ClientContext context;
    outcome_ = PrepareContext(&context);
    if (outcome_.code != ExitCode::kOk) return absl::OkStatus();
    context.set_timeout(timeout);
    context.set_wait_for_ready(true);
    HealthCheckRequest request;
    request.set_service(service_);
    ClientReader<HealthCheckResponse> reader = stub_.Watch(context, request);
    HealthCheckResponse response;
    while (reader.Read(response)) {
      *heard = true;
      seen_ = HealthCheckResponse::ServingStatus_Name(response.status());
      serving_ = response.status() == HealthCheckResponse::SERVING;
      if (serving_) return absl::OkStatus();
    }
    return reader.Finish();
  }

  Outcome TimedOut() const {
    const std::string timeout = absl::FormatDuration(absl::GetFlag(FLAGS_timeout));
    if (!seen_.empty()) {
      return Outcome::Failed(absl::StrCat(ServiceTitle(service_), " was ", seen_, " for all of ", timeout));
    }
    return Outcome::Unreachable(absl::StrCat(
        "nobody answered at ", target_, " for ", timeout,
        last_.ok() ? "" : absl::StrCat(", at last ", WithoutAdvice({last_.message().data(), last_.message().size()})),
        "; give it more time with --timeout"));
  }

  const std::string target_;
  const HealthStub& stub_;
  const std::string service_;
  const absl::Time deadline_ = absl::Now() + absl::GetFlag(FLAGS_timeout);
  bool serving_ = false;
  std::string seen_;
  absl::Status last_;
  Outcome outcome_;
};

Outcome RunHealth(const std::vector<std::string>& arguments) {
  std::shared_ptr<Channel> channel;
  if (Outcome outcome = OpenChannel(arguments[0], &channel); outcome.code != ExitCode::kOk) return outcome;
  const HealthStub stub(channel);
  const std::string service = arguments.size() > 1 ? arguments[1] : "";
  if (absl::GetFlag(FLAGS_wait)) return HealthWait(channel->target(), stub, service).Run();
  return CheckHealth(channel->target(), stub, service);
}

}  // namespace

Command HealthCommand() {
  return {
      .name = "health",
      .arguments = "TARGET [SERVICE]",
      .summary = "Tell whether a server, or one of its services, is serving",
      .description =
          "Asks grpc.health.v1.Health, prints what it says, and exits with 0 where that is SERVING. Without SERVICE "
          "it is about the server as a whole.\n\n"
          "With --wait it waits until it is, through restarts of the server, for --timeout at most.",
      .flags = {"json", "metadata", "timeout", "transport", "wait"},
      .examples = {{"Is it well?", "udsrpc health unix:/run/greeter.sock"},
                   {"Start what needs it when it is",
                    "udsrpc health unix:/run/greeter.sock helloworld.Greeter --wait --timeout=1m && ./start"}},
      .min_arguments = 1,
      .max_arguments = 2,
      .run = RunHealth};
}

}  // namespace udsrpc::tools
