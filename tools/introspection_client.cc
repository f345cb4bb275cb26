#include "tools/introspection_client.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "tools/target.h"

namespace udsrpc::tools {

Outcome FetchStats(absl::string_view target, const v1::IntrospectionStub& stub, v1::GetStatsResponse* stats) {
  ClientContext context;
  if (Outcome prepared = PrepareContext(&context); prepared.code != ExitCode::kOk) return prepared;
  const absl::Status status = stub.GetStats(context, v1::GetStatsRequest(), *stats);
  return status.ok() ? Outcome::Ok() : IntrospectionOutcome(target, status);
}

Outcome IntrospectionOutcome(absl::string_view target, const absl::Status& status) {
  Outcome outcome = CallOutcome(target, status);
  if (absl::IsUnimplemented(status)) {
    outcome.message = std::string(absl::StripSuffix(outcome.message, "."));
    absl::StrAppend(&outcome.message, "; the server's program has to add a udsrpc::Introspection to it");
  }
  return outcome;
}

absl::Duration DurationOf(const google::protobuf::Duration& message) {
  return absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

absl::Time TimeOf(const google::protobuf::Timestamp& message) {
  return absl::FromUnixSeconds(message.seconds()) + absl::Nanoseconds(message.nanos());
}

LatencyHistogram HistogramOf(const v1::LatencyHistogram& message) {
  std::vector<LatencyHistogram::Bucket> buckets;
  for (const v1::LatencyHistogram::Bucket& bucket : message.buckets()) {
    buckets.push_back({.lower = absl::Nanoseconds(static_cast<int64_t>(bucket.lower())),
                       .upper = absl::Nanoseconds(static_cast<int64_t>(bucket.upper())),
                       .count = bucket.count()});
  }
  return LatencyHistogram(std::move(buckets), DurationOf(message.sum()), DurationOf(message.max()));
}

std::string CodeText(int code) {
  const std::string text = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
  return text.empty() ? absl::StrCat("CODE_", code) : text;
}

uint64_t ErrorsOf(const v1::MethodStats& stats) {
  uint64_t errors = 0;
  for (const v1::StatusCount& ended : stats.ended()) errors += ended.code() == 0 ? 0 : ended.count();
  return errors;
}

std::string LatencyText(absl::Duration latency) {
  struct Unit {
    absl::Duration one;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{absl::Seconds(1), "s"},
                                    {absl::Milliseconds(1), "ms"},
                                    {absl::Microseconds(1), "us"},
                                    {absl::Nanoseconds(1), "ns"}};
  if (latency <= absl::ZeroDuration()) return "-";
  for (const Unit& unit : kUnits) {
    const double value = absl::FDivDuration(latency, unit.one);
    if (value < 0.9995 && unit.one > absl::Nanoseconds(1)) continue;
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return absl::StrFormat("%.*f%s", decimals, value, unit.name);
  }
  return "-";
}

std::string JsonLine(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : absl::StrCat("{\"error\": \"", absl::CEscape(status.ToString()), "\"}");
}

}  // namespace udsrpc::tools
