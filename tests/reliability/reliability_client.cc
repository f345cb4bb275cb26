// Clients of MixedService in a process of its own:
//
//   reliability_client [--seed=N] [--endless] [--scale=N] TRANSPORT KIND TARGET [TRANSPORT KIND TARGET...]
//
// with a load for each of these. KIND is "steady" for a server that is always there, "mortal" for one that is not, and
// "limited" for one that refuses calls. Does what the lines of its input say:
//
//   go       starts the loads
//   started  prints "started" once a call of each load has been answered as it has to be
//   outage, over
//            the mortal server goes, and is there again; prints "ok" once the loads know
//   report   prints what it has, and how its calls have ended: see Figures
//
// At the end of its input the loads end. Then it prints how many of its calls have ended how, as "count KIND: STATUS
// NUMBER", "unexpected STATUS" and "figures ..." and exits with 3 where one ended as none may.

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "tests/reliability/mixed_load.h"
#include "tests/reliability/process_resources.h"

ABSL_FLAG(uint64_t, seed, 1, "of all that is random");
ABSL_FLAG(bool, endless, false, "make calls that nothing ends but the death of one side, too");
ABSL_FLAG(int, scale, 2, "threads that call, of each load");

namespace udsrpc::testing {
namespace {

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

class ClientProcess {
 public:
  explicit ClientProcess(const std::vector<std::string>& arguments) {
    const int scale = absl::GetFlag(FLAGS_scale);
    for (size_t i = 0; i + 2 < arguments.size(); i += 3) {
      LoadOptions options{.target = arguments[i + 2],
                          .seed = absl::GetFlag(FLAGS_seed) * 100 + i,
                          .threads = scale,
                          .callbacks = 2 * scale,
                          .coroutines = 2 * scale,
                          .endless = absl::GetFlag(FLAGS_endless)};
      std::string error;
      if (!AbslParseFlag(arguments[i], &options.transport, &error)) std::abort();
      const std::string& kind = arguments[i + 1];
      CallLog& log = kind == "mortal" ? mortal_log_ : kind == "limited" ? limited_log_ : steady_log_;
      options_.emplace_back(options, &log);
    }
  }

  void Go() {
    for (const auto& [options, log] : options_) {
      loads_.push_back(std::make_unique<MixedLoad>(options, log == &mortal_log_ ? outages_ : none_, *log));
    }
  }
  // Whether calls of each have ended as they have to.
  void AwaitStart() const {
    for (const auto& [options, log] : options_) {
      while (log->ok() == 0) absl::SleepFor(absl::Milliseconds(1));
    }
  }
  void BeginOutage() { outages_.Begin(); }
  void EndOutage() { outages_.End(); }

  Figures Report() const {
    Figures figures = ProcessFigures();
    for (const CallLog* log : logs_) {
      figures["calls"] += log->calls();
      figures["ok"] += log->ok();
      figures["interrupted"] += log->interrupted();
      figures["unexpected"] += log->unexpected();
      figures["open"] += log->open();
    }
    return figures;
  }

  int End() {
    loads_.clear();
    CallLog::Counts counts;
    for (const CallLog* log : logs_) {
      for (const auto& [key, count] : log->counts()) counts[key] += count;
    }
    for (const auto& [key, count] : counts) Print(absl::StrCat("count ", key.first, ": ", key.second, " ", count));
    for (const CallLog* log : logs_) {
      for (const std::string& outcome : log->first_unexpected()) Print(absl::StrCat("unexpected ", outcome));
    }
    Print(absl::StrCat("after death ", mortal_log_.after_death().Summary()));
    const Figures figures = Report();
    Print(absl::StrCat("figures ", FormatFigures(figures)));
    return figures.at("unexpected") == 0 && figures.at("open") == 0 ? 0 : 3;
  }

 private:
  std::vector<std::pair<LoadOptions, CallLog*>> options_;
  Outages outages_;
  Outages none_;
  CallLog steady_log_{none_};
  CallLog mortal_log_{outages_};
  CallLog limited_log_{none_, /*may_be_refused=*/true};
  const std::vector<const CallLog*> logs_{&steady_log_, &mortal_log_, &limited_log_};
  std::vector<std::unique_ptr<MixedLoad>> loads_;
};

int Run(const std::vector<std::string>& arguments) {
  ClientProcess process(arguments);
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line == "go") process.Go();
    if (line == "started") {
      process.AwaitStart();
      Print("started");
    }
    if (line == "outage" || line == "over") {
      line == "outage" ? process.BeginOutage() : process.EndOutage();
      Print("ok");
    }
    if (line == "report") Print(FormatFigures(process.Report()));
  }
  return process.End();
}

}  // namespace
}  // namespace udsrpc::testing

int main(int argc, char** argv) {
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  return udsrpc::testing::Run({arguments.begin() + 1, arguments.end()});
}
