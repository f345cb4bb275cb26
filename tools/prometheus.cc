#include "tools/prometheus.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "tools/introspection_client.h"

namespace udsrpc::tools {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// A histogram's bounds: each twice the one before, from 1.024 us to 17.2 s. All are bounds of the server's buckets,
// too, so that nothing is guessed.
constexpr int kBounds = 25;
constexpr absl::Duration kFirstBound = absl::Nanoseconds(1024);

std::string LabelsText(const Labels& labels) {
  if (labels.empty()) return "";
  return absl::StrCat(
      "{",
      absl::StrJoin(labels, ",",
                    [](std::string* text, const auto& label) {
                      absl::StrAppend(
                          text, label.first, "=\"",
                          absl::StrReplaceAll(label.second, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}), "\"");
                    }),
      "}");
}

std::string Number(double value) { return absl::StrFormat("%.15g", value); }

class Exposition {
 public:
  void Begin(absl::string_view name, absl::string_view type, absl::string_view help) {
    absl::StrAppend(&text_, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
  }
  void Add(absl::string_view name, const Labels& labels, absl::string_view value) {
    absl::StrAppend(&text_, name, LabelsText(labels), " ", value, "\n");
  }
  void Add(absl::string_view name, const Labels& labels, uint64_t value) { Add(name, labels, absl::StrCat(value)); }

  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

// "package.Service" and "Method".
Labels LabelsOf(const v1::MethodStats& method) {
  if (method.method().empty()) return {{"service", "unknown"}, {"method", "unknown"}};
  absl::string_view path = method.method();
  absl::ConsumePrefix(&path, "/");
  const size_t slash = path.find('/');
  return {{"service", std::string(path.substr(0, slash))},
          {"method", slash == absl::string_view::npos ? "" : std::string(path.substr(slash + 1))}};
}

void AddOfMethods(Exposition& out, const v1::GetStatsResponse& stats, absl::string_view name, absl::string_view type,
                  absl::string_view help, const std::function<uint64_t(const v1::MethodStats&)>& value) {
  out.Begin(name, type, help);
  for (const v1::MethodStats& method : stats.methods()) out.Add(name, LabelsOf(method), value(method));
}

void AddEnded(Exposition& out, const v1::GetStatsResponse& stats) {
  constexpr absl::string_view kName = "udsrpc_server_handled_total";
  out.Begin(kName, "counter", "Calls that have ended, by status.");
  for (const v1::MethodStats& method : stats.methods()) {
    for (const v1::StatusCount& ended : method.ended()) {
      Labels labels = LabelsOf(method);
      labels.emplace_back("code", CodeText(ended.code()));
      out.Add(kName, labels, ended.count());
    }
  }
}

void AddLatencies(Exposition& out, const v1::GetStatsResponse& stats) {
  constexpr absl::string_view kName = "udsrpc_server_handling_seconds";
  out.Begin(kName, "histogram", "How long calls took that have ended, of whatever status.");
  for (const v1::MethodStats& method : stats.methods()) {
    const LatencyHistogram histogram = HistogramOf(method.latency());
    if (histogram.count() == 0) continue;
    Labels labels = LabelsOf(method);
    labels.emplace_back("le", "");
    absl::Duration bound = kFirstBound;
    for (int i = 0; i < kBounds; ++i, bound *= 2) {
      labels.back().second = Number(absl::ToDoubleSeconds(bound));
      out.Add(absl::StrCat(kName, "_bucket"), labels, histogram.CountBelow(bound));
    }
    labels.back().second = "+Inf";
    out.Add(absl::StrCat(kName, "_bucket"), labels, histogram.count());
    labels.pop_back();
    out.Add(absl::StrCat(kName, "_sum"), labels, Number(absl::ToDoubleSeconds(histogram.sum())));
    out.Add(absl::StrCat(kName, "_count"), labels, histogram.count());
  }
}

void AddConnections(Exposition& out, const v1::GetStatsResponse& stats) {
  out.Begin("udsrpc_server_connections", "gauge", "Connections that are open.");
  for (const v1::TransportStats& one : stats.transports()) {
    out.Add("udsrpc_server_connections", {{"transport", one.transport()}}, one.connections());
  }
  out.Begin("udsrpc_server_connections_accepted_total", "counter", "Connections that were accepted.");
  for (const v1::TransportStats& one : stats.transports()) {
    out.Add("udsrpc_server_connections_accepted_total", {{"transport", one.transport()}}, one.accepted());
  }
}

}  // namespace

std::string PrometheusText(const v1::GetStatsResponse& stats) {
  Exposition out;
  out.Begin("udsrpc_server_start_time_seconds", "gauge", "When the server started, in seconds since 1970.");
  out.Add("udsrpc_server_start_time_seconds", {},
          Number(absl::ToDoubleSeconds(TimeOf(stats.start_time()) - absl::UnixEpoch())));
  AddOfMethods(out, stats, "udsrpc_server_started_total", "counter", "Calls that have come.",
               [](const v1::MethodStats& method) { return method.started(); });
  AddEnded(out, stats);
  AddOfMethods(out, stats, "udsrpc_server_in_flight", "gauge", "Calls that have come and have not ended.",
               [](const v1::MethodStats& method) { return method.in_flight(); });
  AddOfMethods(out, stats, "udsrpc_server_received_messages_total", "counter", "Messages that handlers have read.",
               [](const v1::MethodStats& method) { return method.received_messages(); });
  AddOfMethods(out, stats, "udsrpc_server_received_bytes_total", "counter", "Bytes of the messages read.",
               [](const v1::MethodStats& method) { return method.received_bytes(); });
  AddOfMethods(out, stats, "udsrpc_server_sent_messages_total", "counter", "Messages that handlers have written.",
               [](const v1::MethodStats& method) { return method.sent_messages(); });
  AddOfMethods(out, stats, "udsrpc_server_sent_bytes_total", "counter", "Bytes of the messages written.",
               [](const v1::MethodStats& method) { return method.sent_bytes(); });
  AddLatencies(out, stats);
  AddConnections(out, stats);
  return std::move(out).text();
}

}  // namespace udsrpc::tools
