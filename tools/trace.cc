#include "tools/trace.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "tools/flags.h"
#include "tools/introspection_client.h"
#include "tools/target.h"
#include "tools/terminal.h"
#include "tools/watched_calls.h"

namespace udsrpc::tools {

// Names of status codes, or their numbers.
struct CodesFlag {
  std::vector<int> codes;
};

bool AbslParseFlag(absl::string_view text, CodesFlag* flag, std::string* error) {
  flag->codes.clear();
  for (const absl::string_view word : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int code = 0;
    if (!absl::SimpleAtoi(word, &code)) {
      for (code = 0; code <= 16 && CodeText(code) != absl::AsciiStrToUpper(word); ++code) continue;
    }
    if (code < 0 || code > 16) {
      *error = absl::StrCat(word, " is no status; they are OK, CANCELLED, NOT_FOUND and so on, or 0 to 16");
      return false;
    }
    flag->codes.push_back(code);
  }
  return true;
}

std::string AbslUnparseFlag(const CodesFlag& flag) { return absl::StrJoin(flag.codes, ","); }

}  // namespace udsrpc::tools

ABSL_FLAG(udsrpc::tools::CodesFlag, code, {}, "Only calls that ended with one of these, as in NOT_FOUND,CANCELLED");
ABSL_FLAG(int, count, 0, "End after so many calls; 0: at Ctrl-C");
ABSL_FLAG(bool, errors, false, "Only calls that ended with another status than OK");
ABSL_FLAG(std::vector<std::string>, method, {},
          "Only of methods that begin so, as in /helloworld.Greeter/; several with commas between them");

namespace udsrpc::tools {
namespace {

v1::WatchCallsRequest RequestOfFlags() {
  v1::WatchCallsRequest request;
  WatchMethods(absl::GetFlag(FLAGS_method), &request);
  for (const int code : absl::GetFlag(FLAGS_code).codes) request.add_codes(code);
  request.set_only_errors(absl::GetFlag(FLAGS_errors));
  return request;
}

Outcome CheckTraceFlags() {
  if (absl::GetFlag(FLAGS_count) < 0) return Outcome::Usage("--count: it must be 0 or more");
  const std::vector<int> codes = absl::GetFlag(FLAGS_code).codes;
  const bool only_ok = std::all_of(codes.begin(), codes.end(), [](int code) { return code == 0; });
  if (absl::GetFlag(FLAGS_errors) && !codes.empty() && only_ok) {
    return Outcome::Usage("--errors --code=OK: there is no such call; give one of them");
  }
  return Outcome::Ok();
}

void PrintCall(const v1::CallEvent& call) {
  if (absl::GetFlag(FLAGS_json)) {
    std::puts(JsonLine(call).c_str());
    return;
  }
  const std::string code = absl::StrFormat("%-18s", CodeText(call.code()));
  const std::string time =
      absl::FormatTime("%H:%M:%E6S", TimeOf(call.start_time()) + DurationOf(call.latency()), absl::LocalTimeZone());
  std::printf("%s  %s  %7s  %-9s  pid %d uid %u  %s  %s", time.c_str(),
              Styled(call.code() == 0 ? Style::kGreen : Style::kRed, code).c_str(),
              LatencyText(DurationOf(call.latency())).c_str(), Printable(call.transport()).c_str(),
              static_cast<int>(call.pid()), static_cast<unsigned>(call.uid()), Printable(call.method()).c_str(),
              absl::StrCat(call.received_bytes(), " B in, ", call.sent_bytes(), " B out").c_str());
  if (!call.message().empty()) std::printf("  %s", Printable(call.message()).c_str());
  std::puts("");
}

// Prints calls until there were as many as wanted, or none come any more.
struct Printed {
  uint64_t calls = 0;
  uint64_t dropped = 0;
};
Printed PrintCalls(WatchedCalls& calls, uint64_t most) {
  Printed printed;
  v1::WatchCallsResponse response;
  while ((most == 0 || printed.calls < most) && calls.Read(&response)) {
    printed.dropped = response.dropped();
    for (const v1::CallEvent& call : response.calls()) {
      if (most > 0 && printed.calls == most) break;
      PrintCall(call);
      ++printed.calls;
    }
    if (!FlushOutput()) break;
  }
  return printed;
}

Outcome RunTrace(const std::vector<std::string>& arguments) {
  const std::string& target = arguments[0];
  if (Outcome checked = CheckTraceFlags(); checked.code != ExitCode::kOk) return checked;
  const auto count = static_cast<uint64_t>(absl::GetFlag(FLAGS_count));
  std::shared_ptr<Channel> channel;
  ChannelOptions options;
  options.max_receive_message_bytes = kMaxResponseBytes;
  if (Outcome opened = OpenChannel(target, &channel, options); opened.code != ExitCode::kOk) return opened;
  WatchedCalls calls(target, channel);
  if (Outcome begun = calls.Begin(RequestOfFlags()); begun.code != ExitCode::kOk) return begun;
  const Printed printed = PrintCalls(calls, count);
  if ((count > 0 && printed.calls == count) || !FlushOutput()) calls.Cancel();
  bool server_ended = false;
  if (Outcome ended = calls.End(&server_ended); ended.code != ExitCode::kOk) return ended;
  std::fprintf(stderr, "%s, %s dropped%s\n", CountOf(printed.calls, "call").c_str(),
               absl::StrCat(printed.dropped).c_str(), server_ended ? "; the server has ended" : "");
  return Outcome::Ok();
}

}  // namespace

Command TraceCommand() {
  return {.name = "trace",
          .arguments = "TARGET",
          .summary = "Show the calls of a server as they end",
          .description =
              "Prints a line for each call when it ends: when, with which status, how long it took, by which transport "
              "and process it came, its method and the bytes of its messages, and what its status says. Goes on until "
              "Ctrl-C, or until the server ends, and then says how many calls there were, and how many were missed "
              "because they came faster than they were printed: to watch never makes a call wait. --timeout is for the "
              "server's first answer.\n\n"
              "The server's program has to add a udsrpc::Introspection, and tells its own user and root unless it "
              "says otherwise.",
          .flags = {"code", "count", "errors", "json", "metadata", "method", "timeout", "transport"},
          .examples = {{"All calls", "udsrpc trace unix:/run/greeter.sock"},
                       {"What goes wrong in one service",
                        "udsrpc trace unix:/run/greeter.sock --method=/helloworld.Greeter/ --errors"},
                       {"The next hundred, for a program", "udsrpc trace @greeter --count=100 --json | jq .latency"}},
          .min_arguments = 1,
          .max_arguments = 1,
          .run = RunTrace};
}

}  // namespace udsrpc::tools
