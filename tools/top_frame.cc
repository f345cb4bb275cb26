#include "tools/top_frame.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/introspection_client.h"
#include "tools/table.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

// What one method did meanwhile.
struct MethodRow {
  std::string name;
  double calls = 0;   // a second
  double errors = 0;  // a second
  uint64_t in_flight = 0;
  LatencyHistogram latency;
};

double RateOf(uint64_t now, uint64_t before, absl::Duration interval) {
  return static_cast<double>(now - std::min(now, before)) / std::max(absl::ToDoubleSeconds(interval), 1e-3);
}

std::string RateText(double rate) {
  if (rate == 0) return "-";
  if (rate < 9.95) return absl::StrFormat("%.1f", rate);
  if (rate < 99'999.5) return absl::StrFormat("%.0f", rate);
  return absl::StrFormat("%.0fk", rate / 1000);
}

std::string CountText(uint64_t count) { return count == 0 ? "-" : absl::StrCat(count); }

std::vector<MethodRow> RowsOf(const v1::GetStatsResponse& before, const v1::GetStatsResponse& now,
                              absl::Duration interval) {
  std::map<std::string, const v1::MethodStats*> earlier;
  for (const v1::MethodStats& method : before.methods()) earlier.emplace(method.method(), &method);
  std::vector<MethodRow> rows;
  for (const v1::MethodStats& method : now.methods()) {
    const auto found = earlier.find(method.method());
    const v1::MethodStats& was = found == earlier.end() ? v1::MethodStats::default_instance() : *found->second;
    MethodRow row{.name = method.method().empty() ? "(methods that it does not have)" : Printable(method.method()),
                  .calls = RateOf(method.started(), was.started(), interval),
                  .errors = RateOf(ErrorsOf(method), ErrorsOf(was), interval),
                  .in_flight = method.in_flight(),
                  .latency = HistogramOf(method.latency()).Since(HistogramOf(was.latency()))};
    if (row.calls > 0 || row.in_flight > 0 || row.latency.count() > 0) rows.push_back(std::move(row));
  }
  return rows;
}

void Sort(std::vector<MethodRow>& rows, TopOrder order) {
  std::stable_sort(rows.begin(), rows.end(), [order](const MethodRow& one, const MethodRow& other) {
    switch (order) {
      case TopOrder::kCalls:
        return one.calls > other.calls;
      case TopOrder::kErrors:
        return one.errors > other.errors;
      case TopOrder::kInFlight:
        return one.in_flight > other.in_flight;
      case TopOrder::kLatency:
        return one.latency.Quantile(0.99) > other.latency.Quantile(0.99);
      case TopOrder::kMethod:
        break;
    }
    return one.name < other.name;
  });
}

Table MethodTableOf(const std::vector<MethodRow>& rows) {
  Table table({{"METHOD", Table::Align::kLeft}, {"CALLS/S"}, {"P50"}, {"P90"}, {"P99"}, {"IN FLIGHT"}, {"NOT OK/S"}});
  for (const MethodRow& row : rows) {
    table.Add({row.name, RateText(row.calls), LatencyText(row.latency.Quantile(0.5)),
               LatencyText(row.latency.Quantile(0.9)), LatencyText(row.latency.Quantile(0.99)),
               CountText(row.in_flight), RateText(row.errors)});
  }
  return table;
}

Table PeerTableOf(const v1::GetStatsResponse& before, const v1::GetStatsResponse& now, absl::Duration interval) {
  std::map<std::pair<int64_t, uint32_t>, const v1::PeerStats*> earlier;
  for (const v1::PeerStats& peer : before.peers()) earlier.emplace(std::pair(peer.pid(), peer.uid()), &peer);
  std::vector<std::pair<double, std::vector<std::string>>> rows;
  for (const v1::PeerStats& peer : now.peers()) {
    const auto found = earlier.find({peer.pid(), peer.uid()});
    const v1::PeerStats& was = found == earlier.end() ? v1::PeerStats::default_instance() : *found->second;
    const double calls = RateOf(peer.started(), was.started(), interval);
    if (calls == 0 && peer.in_flight() == 0) continue;
    rows.push_back(
        {calls,
         {absl::StrCat(peer.pid()), absl::StrCat(peer.uid()), absl::StrCat(peer.connections()), RateText(calls),
          CountText(peer.in_flight()), RateText(RateOf(peer.errors(), was.errors(), interval))}});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& one, const auto& other) { return one.first > other.first; });
  Table table({{"PROCESS"}, {"USER"}, {"CONNECTIONS"}, {"CALLS/S"}, {"IN FLIGHT"}, {"NOT OK/S"}});
  for (auto& [calls, row] : rows) table.Add(std::move(row));
  return table;
}

}  // namespace

std::optional<TopOrder> TopOrderOf(char key) {
  switch (key) {
    case 'c':
      return TopOrder::kCalls;
    case 'e':
      return TopOrder::kErrors;
    case 'f':
      return TopOrder::kInFlight;
    case 'l':
      return TopOrder::kLatency;
    case 'm':
      return TopOrder::kMethod;
    default:
      return std::nullopt;
  }
}

std::vector<std::string> TopFrame(absl::string_view target, const v1::GetStatsResponse* before,
                                  const v1::GetStatsResponse& now, TopOrder order) {
  // A server in the place of another has counted from 0 on.
  if (before != nullptr && DurationOf(before->uptime()) > DurationOf(now.uptime())) before = nullptr;
  const v1::GetStatsResponse& since = before == nullptr ? v1::GetStatsResponse::default_instance() : *before;
  const absl::Duration interval = DurationOf(now.uptime()) - DurationOf(since.uptime());
  std::vector<MethodRow> rows = RowsOf(since, now, interval);
  Sort(rows, order);
  double calls = 0;
  uint64_t in_flight = 0;
  uint64_t connections = 0;
  for (const MethodRow& row : rows) {
    calls += row.calls;
    in_flight += row.in_flight;
  }
  for (const v1::TransportStats& transport : now.transports()) connections += transport.connections();
  std::vector<std::string> lines{
      absl::StrCat(target, ": process ", now.pid(), ", up for ",
                   absl::FormatDuration(absl::Trunc(DurationOf(now.uptime()), absl::Seconds(1)))),
      absl::StrCat(RateText(calls), " calls/s, ", in_flight, " in flight, ", CountOf(connections, "connection")), ""};
  const auto append = [&lines](const Table& table) {
    for (std::string& line : table.Lines()) lines.push_back(std::move(line));
  };
  append(MethodTableOf(rows));
  lines.emplace_back();
  append(PeerTableOf(since, now, interval));
  return lines;
}

}  // namespace udsrpc::tools
