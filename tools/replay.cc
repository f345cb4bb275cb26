#include "tools/replay.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "tools/flags.h"
#include "tools/interruption.h"
#include "tools/introspection_client.h"
#include "tools/recording.h"
#include "tools/replay_run.h"
#include "tools/table.h"
#include "tools/target.h"
#include "tools/terminal.h"

ABSL_FLAG(int, callers, 64, "Calls that may be under way at a time, 1 to 1000; others are late");
ABSL_FLAG(double, speed, 1, "How many times as fast as recorded; 0: without pauses");

namespace udsrpc::tools {
namespace {

// Of one method.
struct Replayed {
  std::vector<absl::Duration> recorded;
  std::vector<absl::Duration> now;
  uint64_t same = 0;
  std::map<std::string, uint64_t> others;  // "OK now UNAVAILABLE"
};

std::string QuantileText(std::vector<absl::Duration>& latencies, double quantile) {
  std::sort(latencies.begin(), latencies.end());
  const auto rank = static_cast<size_t>(std::ceil(quantile * static_cast<double>(latencies.size())));
  return LatencyText(latencies[std::max<size_t>(rank, 1) - 1]);
}

std::string Others(const std::map<std::string, uint64_t>& others) {
  return absl::StrJoin(others, ", ", [](std::string* text, const auto& other) {
    absl::StrAppend(text, other.first, " ", other.second);
  });
}

// How many have ended with another status than was recorded.
uint64_t Report(const std::vector<ReplayedCall>& calls) {
  std::map<std::string, Replayed> methods;
  uint64_t others = 0;
  for (const ReplayedCall& call : calls) {
    if (!call.made) continue;
    Replayed& method = methods[call.recorded->method()];
    method.recorded.push_back(DurationOf(call.recorded->latency()));
    method.now.push_back(call.latency);
    if (static_cast<int>(call.code) == call.recorded->code()) {
      ++method.same;
      continue;
    }
    ++others;
    ++method.others[absl::StrCat(CodeText(call.recorded->code()), " now ", CodeText(static_cast<int>(call.code)))];
  }
  Table table({{"METHOD", Table::Align::kLeft},
               {"CALLS"},
               {"SAME STATUS"},
               {"P50 THEN"},
               {"P50 NOW"},
               {"P99 THEN"},
               {"P99 NOW"},
               {"OTHERS", Table::Align::kLeft}});
  for (auto& [name, method] : methods) {
    table.Add({Printable(name), absl::StrCat(method.now.size()), absl::StrCat(method.same),
               QuantileText(method.recorded, 0.5), QuantileText(method.now, 0.5), QuantileText(method.recorded, 0.99),
               QuantileText(method.now, 0.99), Others(method.others)});
  }
  for (const std::string& line : table.Lines()) std::puts(line.c_str());
  return others;
}

Outcome RunReplay(const std::vector<std::string>& arguments) {
  const double speed = absl::GetFlag(FLAGS_speed);
  const int callers = absl::GetFlag(FLAGS_callers);
  if (!(speed >= 0) || std::isinf(speed)) return Outcome::Usage("--speed: it must be 0 or more");
  if (callers < 1 || callers > 1000) return Outcome::Usage("--callers: it must be 1 to 1000");
  const Interruption interruption;
  const absl::StatusOr<Recording> recording = ReadRecording(arguments[0]);
  if (!recording.ok()) return Outcome::Usage(std::string(recording.status().message()));
  if (recording->calls.empty()) return Outcome::Usage(absl::StrCat(arguments[0], " has no calls"));
  std::shared_ptr<Channel> channel;
  if (Outcome opened = OpenChannel(arguments[1], &channel); opened.code != ExitCode::kOk) return opened;
  const std::vector<ReplayedCall> calls = Replay(
      recording->calls, channel,
      {.speed = speed, .callers = callers, .timeout = absl::GetFlag(FLAGS_timeout), .interrupt_fd = interruption.fd()});
  const uint64_t others = Report(calls);
  FlushOutput();
  const auto made = std::count_if(calls.begin(), calls.end(), [](const ReplayedCall& call) { return call.made; });
  const size_t without_requests = recording->calls.size() - calls.size();
  std::fprintf(
      stderr, "%d of %s made again%s%s%s\n", static_cast<int>(made),
      CountOf(recording->calls.size(), "recorded call").c_str(),
      without_requests == 0 ? "" : absl::StrCat("; of ", without_requests, " the requests are missing").c_str(),
      recording->dropped == 0 ? "" : absl::StrCat("; ", recording->dropped, " were not recorded").c_str(),
      recording->cut ? "; the file ends within a call" : "");
  if (interruption.interrupted() && static_cast<size_t>(made) < calls.size())
    return interruption.Interrupted("interrupted");
  if (others == 0) return Outcome::Ok();
  return Outcome::Failed(absl::StrCat(CountOf(others, "call"), " ended with another status than was recorded"));
}

}  // namespace

Command ReplayCommand() {
  return {.name = "replay",
          .arguments = "FILE TARGET",
          .summary = "Make the calls of a recording again, and compare",
          .description =
              "Makes the calls that \"udsrpc record\" has written to FILE at the server at TARGET, in their order and "
              "at the pace at which they came, and shows how their statuses and latencies compare with those recorded. "
              "The latencies then are the server's; those now are the client's, with the way there and back.\n\n"
              "Calls change what servers keep: replay to one that may be changed. The messages of a stream are sent "
              "without the pauses that were between them; metadata and deadlines are not recorded. Exit code 1: calls "
              "have ended with another status.",
          .flags = {"callers", "speed", "timeout", "transport"},
          .examples = {{"As they came", "udsrpc replay greeter.rec unix:/tmp/next.sock"},
                       {"As quickly as sixteen callers can", "udsrpc replay greeter.rec @next --speed=0 --callers=16"}},
          .min_arguments = 2,
          .max_arguments = 2,
          .run = RunReplay};
}

}  // namespace udsrpc::tools
