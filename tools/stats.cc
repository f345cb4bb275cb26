#include "tools/stats.h"

#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/flags.h"
#include "tools/introspection_client.h"
#include "tools/prometheus.h"
#include "tools/table.h"
#include "tools/target.h"
#include "tools/terminal.h"

namespace udsrpc::tools {

enum class StatsFormat { kTable, kJson, kPrometheus };

bool AbslParseFlag(absl::string_view text, StatsFormat* format, std::string* error) {
  for (const auto& [name, one] : {std::pair("table", StatsFormat::kTable), std::pair("json", StatsFormat::kJson),
                                  std::pair("prometheus", StatsFormat::kPrometheus)}) {
    if (text != name) continue;
    *format = one;
    return true;
  }
  *error = "it must be table, json or prometheus";
  return false;
}

std::string AbslUnparseFlag(StatsFormat format) {
  return format == StatsFormat::kTable ? "table" : format == StatsFormat::kJson ? "json" : "prometheus";
}

}  // namespace udsrpc::tools

ABSL_FLAG(udsrpc::tools::StatsFormat, format, udsrpc::tools::StatsFormat::kTable,
          "table, json, or prometheus: Prometheus' text format, as its node_exporter reads it from files");

namespace udsrpc::tools {
namespace {

std::string OtherStatuses(const v1::MethodStats& method) {
  std::vector<std::string> statuses;
  for (const v1::StatusCount& ended : method.ended()) {
    if (ended.code() != 0) statuses.push_back(absl::StrCat(CodeText(ended.code()), " ", ended.count()));
  }
  return absl::StrJoin(statuses, ", ");
}

std::string Heading(absl::string_view target, const v1::GetStatsResponse& stats) {
  std::string text =
      absl::StrCat(target, ": process ", stats.pid(), ", up for ",
                   absl::FormatDuration(absl::Trunc(DurationOf(stats.uptime()), absl::Seconds(1))), "\n");
  for (const v1::TransportStats& one : stats.transports()) {
    absl::StrAppend(&text, Printable(one.transport()), ": ", one.connections(), " of ",
                    CountOf(one.accepted(), "connection"), one.accepted() == 1 ? " is open\n" : " are open\n");
  }
  return text;
}

void PrintLines(const Table& table) {
  std::puts("");
  for (const std::string& line : table.Lines()) std::puts(line.c_str());
}

void PrintTable(absl::string_view target, const v1::GetStatsResponse& stats) {
  std::fputs(Heading(target, stats).c_str(), stdout);
  Table methods({{"METHOD", Table::Align::kLeft},
                 {"CALLS"},
                 {"IN FLIGHT"},
                 {"P50"},
                 {"P90"},
                 {"P99"},
                 {"MAX"},
                 {"NOT OK", Table::Align::kLeft}});
  for (const v1::MethodStats& method : stats.methods()) {
    if (method.method().empty() && method.started() == 0) continue;
    const LatencyHistogram latency = HistogramOf(method.latency());
    methods.Add({method.method().empty() ? "(methods that it does not have)" : Printable(method.method()),
                 absl::StrCat(method.started()), absl::StrCat(method.in_flight()), LatencyText(latency.Quantile(0.5)),
                 LatencyText(latency.Quantile(0.9)), LatencyText(latency.Quantile(0.99)), LatencyText(latency.max()),
                 OtherStatuses(method)});
  }
  PrintLines(methods);
  Table peers({{"PROCESS"}, {"USER"}, {"CONNECTIONS"}, {"CALLS"}, {"IN FLIGHT"}, {"NOT OK"}});
  for (const v1::PeerStats& peer : stats.peers()) {
    peers.Add({absl::StrCat(peer.pid()), absl::StrCat(peer.uid()), absl::StrCat(peer.connections()),
               absl::StrCat(peer.started()), absl::StrCat(peer.in_flight()), absl::StrCat(peer.errors())});
  }
  if (!peers.empty()) PrintLines(peers);
  if (stats.omitted_peers() > 0) std::printf("and %s more\n", absl::StrCat(stats.omitted_peers()).c_str());
}

Outcome RunStats(const std::vector<std::string>& arguments) {
  const std::string& target = arguments[0];
  if (absl::GetFlag(FLAGS_json) && absl::GetFlag(FLAGS_format) == StatsFormat::kPrometheus) {
    return Outcome::Usage("--json and --format=prometheus: give one of them");
  }
  std::shared_ptr<Channel> channel;
  if (Outcome opened = OpenChannel(target, &channel); opened.code != ExitCode::kOk) return opened;
  v1::GetStatsResponse stats;
  if (Outcome fetched = FetchStats(target, v1::IntrospectionStub(channel), &stats); fetched.code != ExitCode::kOk) {
    return fetched;
  }
  const StatsFormat format = absl::GetFlag(FLAGS_json) ? StatsFormat::kJson : absl::GetFlag(FLAGS_format);
  switch (format) {
    case StatsFormat::kJson:
      std::puts(JsonLine(stats).c_str());
      break;
    case StatsFormat::kPrometheus:
      std::fputs(PrometheusText(stats).c_str(), stdout);
      break;
    case StatsFormat::kTable:
      PrintTable(target, stats);
      break;
  }
  return Outcome::Ok();
}

}  // namespace

Command StatsCommand() {
  return {
      .name = "stats",
      .arguments = "TARGET",
      .summary = "Show what a server has counted: calls, statuses, latencies, peers",
      .description =
          "Asks a server for what it has counted since it started: of each method the calls, those in flight, the "
          "statuses other than OK, and how long they took; of each process that is connected its calls.\n\n"
          "The server's program has to add a udsrpc::Introspection, and tells its own user and root unless it "
          "says otherwise. The calls by which it is asked count as well.",
      .flags = {"format", "json", "metadata", "timeout", "transport"},
      .examples = {{"What a server does", "udsrpc stats unix:/run/greeter.sock"},
                   {"For Prometheus' node_exporter",
                    "udsrpc stats unix:/run/greeter.sock --format=prometheus > greeter.prom"},
                   {"The methods with errors",
                    "udsrpc stats @greeter --json | jq '.methods[] | select(any(.ended[]; .code != 0)) | .method'"}},
      .min_arguments = 1,
      .max_arguments = 1,
      .run = RunStats};
}

}  // namespace udsrpc::tools
