// Calls of all kinds for hours, while servers and clients are killed, restarted and taken over:
//
//   soak [--seconds=N] [--seed=N]
//
// One server and one client live from the beginning to the end, and are looked at for leaks. The client calls that
// server, an endpoint of its that refuses calls beyond a limit, and another server, which is killed, restarted and
// taken over in turn; a second client is killed and replaced. Prints a line every ten seconds and a report at the end.
// Exits with 1 where anything was not as it has to be.

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "tests/reliability/process_resources.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

ABSL_FLAG(int, seconds, 120, "how long");
ABSL_FLAG(uint64_t, seed, 0, "of the clients' calls; 0: any");

namespace udsrpc::testing {
namespace {

constexpr absl::Duration kDisruptionInterval = absl::Seconds(4);
constexpr absl::Duration kClientDeathInterval = absl::Seconds(7);
constexpr absl::Duration kProgressInterval = absl::Seconds(10);
// For what takes a moment, on a busy machine under a sanitizer.
constexpr absl::Duration kSoakPatience = absl::Minutes(2);

// What gRPC keeps for the life of a process once it has served.
constexpr int64_t kDescriptorsKept = 16;
// By which a process may be larger at the end than it ever was when it had warmed up: what its allocator scatters. A
// byte a call would be more within an hour.
constexpr int64_t kGrowthBound = 24 << 20;
#ifdef UDSRPC_SANITIZED
constexpr bool kSanitized = true;  // the sanitizer keeps what was freed, and says itself what leaked
#else
constexpr bool kSanitized = false;
#endif

std::string Mebibytes(int64_t bytes) { return absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / (1 << 20)); }

// What a process that lives to the end had, from the first to the last.
struct Lifetime {
  Figures first;
  std::vector<Figures> samples;

  // Of the samples between two shares of the time.
  std::pair<int64_t, int64_t> Range(const std::string& figure, double from, double to) const {
    std::pair<int64_t, int64_t> range{INT64_MAX, 0};
    for (size_t i = static_cast<size_t>(from * static_cast<double>(samples.size()));
         i < std::max<size_t>(1, static_cast<size_t>(to * static_cast<double>(samples.size()))) && i < samples.size();
         ++i) {
      range.first = std::min(range.first, FigureOf(samples[i], figure));
      range.second = std::max(range.second, FigureOf(samples[i], figure));
    }
    return range;
  }
};

class Soak {
 public:
  Soak(absl::Duration length, uint64_t seed) : length_(length), seed_(seed) {}

  int Run() {
    std::printf("soak: %s, seed %lu\n", absl::FormatDuration(length_).c_str(), static_cast<unsigned long>(seed_));
    Start();
    const absl::Time begin = absl::Now();
    const absl::Time end = begin + length_;
    absl::Time next_disruption = begin + kDisruptionInterval;
    absl::Time next_death = begin + kClientDeathInterval;
    absl::Time next_progress = begin + kProgressInterval;
    // No use in going on without one of them.
    while (absl::Now() < end && !broken_) {
      const absl::Time next = std::min({next_disruption, next_death, next_progress, end});
      absl::SleepFor(next - absl::Now());
      const absl::Time now = absl::Now();
      if (now >= next_disruption) {
        Disrupt();
        next_disruption = absl::Now() + kDisruptionInterval;
      }
      if (now >= next_death) {
        ReplaceVictim();
        next_death = absl::Now() + kClientDeathInterval;
      }
      if (now >= next_progress) {
        Sample();
        ReportProgress(absl::Now() - begin);
        next_progress += kProgressInterval;
      }
    }
    const absl::Duration took = absl::Now() - begin;
    Sample();
    End();
    Report(took);
    return problems_ == 0 ? 0 : 1;
  }

 private:
  void Problem(const std::string& what) {
    ++problems_;
    if (problems_ <= 20) std::printf("PROBLEM: %s\n", what.c_str());
    std::fflush(stdout);
  }
  void Broken(const std::string& what) {
    broken_ = true;
    Problem(what);
  }

  void Expect(ChildProcess& process, const std::string& name, const std::string& line) {
    const std::optional<std::string> got = process.ReadLine(kSoakPatience);
    if (got != line) Broken(absl::StrCat(name, " said \"", got.value_or("nothing"), "\" and not \"", line, "\""));
  }
  void Ask(ChildProcess& process, const std::string& name, const std::string& question, const std::string& answer) {
    if (!process.WriteLine(question)) Broken(absl::StrCat(name, " reads no more"));
    Expect(process, name, answer);
  }
  Figures Ask(ChildProcess& process, const std::string& name) {
    if (!process.WriteLine("report")) Broken(absl::StrCat(name, " reads no more"));
    const std::optional<std::string> line = process.ReadLine(kSoakPatience);
    if (!line) Broken(absl::StrCat(name, " does not report"));
    return ParseFigures(line.value_or(""));
  }
  void ExpectEnd(ChildProcess& process, const std::string& name, int result) {
    const std::optional<int> ended = process.Wait(kSoakPatience);
    if (ended != result) Problem(absl::StrCat(name, " ended with ", ended ? absl::StrCat(*ended) : "nothing"));
  }

  std::string Target(const std::string& name) const { return absl::StrCat("unix:", dir_.File(name)); }

  std::unique_ptr<ChildProcess> MakeMortalServer() {
    auto server = std::make_unique<ChildProcess>(std::vector<std::string>{
        UDSRPC_RELIABILITY_SERVER, absl::StrCat("--takeover=", dir_.File("takeover")), Target("mortal")});
    Ask(*server, "a server that was started", "serve", "ready");
    return server;
  }

  std::unique_ptr<ChildProcess> MakeVictim() {
    auto client = std::make_unique<ChildProcess>(
        std::vector<std::string>{UDSRPC_RELIABILITY_CLIENT, absl::StrCat("--seed=", ++seed_), "--endless", "--scale=1",
                                 "grpc", "steady", Target("steady"), "seqpacket", "steady", Target("steady")});
    if (!client->WriteLine("go") || !client->WriteLine("started")) Broken("a client that was started died");
    return client;
  }

  void Start() {
    server_ = std::make_unique<ChildProcess>(std::vector<std::string>{
        UDSRPC_RELIABILITY_SERVER, absl::StrCat("--limited=", Target("limited")), Target("steady")});
    Ask(*server_, "the server", "serve", "ready");
    mortal_ = MakeMortalServer();
    std::vector<std::string> arguments{UDSRPC_RELIABILITY_CLIENT, absl::StrCat("--seed=", seed_)};
    for (const char* transport : {"grpc", "seqpacket"}) {
      for (const char* kind : {"steady", "mortal", "limited"}) {
        arguments.insert(arguments.end(), {transport, kind, Target(kind)});
      }
    }
    client_ = std::make_unique<ChildProcess>(arguments);
    server_life_.first = Ask(*server_, "the server");
    client_life_.first = Ask(*client_, "the client");
    if (!client_->WriteLine("go")) Broken("the client died");
    Ask(*client_, "the client", "started", "started");
    victim_ = MakeVictim();
  }

  void Disrupt() {
    const absl::Time begin = absl::Now();
    const int kind = disruptions_++ % 4;
    switch (kind) {
      case 0:
        Ask(*client_, "the client", "outage", "ok");
        mortal_->Kill(SIGKILL);
        ExpectEnd(*mortal_, "a server that was killed", -SIGKILL);
        mortal_ = MakeMortalServer();
        Ask(*client_, "the client", "over", "ok");
        ++server_deaths_;
        break;
      case 2:
        Ask(*client_, "the client", "outage", "ok");
        mortal_->CloseInput();
        Expect(*mortal_, "a server that was shut down", "done");
        ExpectEnd(*mortal_, "a server that was shut down", 0);
        mortal_ = MakeMortalServer();
        Ask(*client_, "the client", "over", "ok");
        ++restarts_;
        break;
      default: {
        auto successor = MakeMortalServer();
        Expect(*mortal_, "a server that was taken over from", "taken over");
        Expect(*mortal_, "a server that was taken over from", "done");
        ExpectEnd(*mortal_, "a server that was taken over from", 0);
        mortal_ = std::move(successor);
        ++takeovers_;
      }
    }
    longest_disruptions_[kind] = std::max(longest_disruptions_[kind], absl::Now() - begin);
  }

  void ReplaceVictim() {
    Expect(*victim_, "a client that was started", "started");
    victim_->Kill(SIGKILL);
    ExpectEnd(*victim_, "a client that was killed", -SIGKILL);
    victim_ = MakeVictim();
    ++client_deaths_;
  }

  void Sample() {
    server_life_.samples.push_back(Ask(*server_, "the server"));
    client_life_.samples.push_back(Ask(*client_, "the client"));
  }

  void ReportProgress(absl::Duration since) {
    const Figures& client = client_life_.samples.back();
    std::printf(
        "%6.0f s: %ld calls, %ld unexpected, %d problems; servers: %d killed, %d restarted, %d taken over; "
        "clients: %d killed; resident: server %s, client %s\n",
        absl::ToDoubleSeconds(since), static_cast<long>(FigureOf(client, "calls")),
        static_cast<long>(FigureOf(client, "unexpected")), problems_, server_deaths_, restarts_, takeovers_,
        client_deaths_, Mebibytes(FigureOf(server_life_.samples.back(), "resident")).c_str(),
        Mebibytes(FigureOf(client, "resident")).c_str());
    std::fflush(stdout);
  }

  void End() {
    victim_->Kill(SIGKILL);
    ExpectEnd(*victim_, "a client that was killed", -SIGKILL);
    client_->CloseInput();
    while (const std::optional<std::string> line = client_->ReadLine(kSoakPatience)) client_report_.push_back(*line);
    ExpectEnd(*client_, "the client", 0);
    // Over gRPC connections end a moment after their clients.
    const absl::Time give_up = absl::Now() + kSoakPatience;
    do {
      at_end_ = Ask(*server_, "the server");
    } while (!broken_ && absl::Now() < give_up &&
             (at_end_["running"] != 0 || at_end_["in_flight"] != 0 || at_end_["connections"] != 0 ||
              at_end_["descriptors"] > server_life_.first["descriptors"] + kDescriptorsKept));
    for (ChildProcess* server : {mortal_.get(), server_.get()}) {
      const std::string name = server == mortal_.get() ? "the mortal server" : "the server";
      server->CloseInput();
      Expect(*server, name, "done");
      ExpectEnd(*server, name, 0);
    }
  }

  void Report(absl::Duration took) {
    int64_t calls = 0;
    std::printf("\n%-32s %-20s %12s\n", "kind of call", "status", "calls");
    for (const std::string& line : client_report_) {
      absl::string_view rest = line;
      if (absl::ConsumePrefix(&rest, "count ")) {
        const size_t space = rest.rfind(' ');
        const std::vector<std::string> kind_and_status = absl::StrSplit(rest.substr(0, space), ": ");
        const std::string status = kind_and_status.back();
        const std::string kind(rest.substr(0, space - status.size() - 2));
        std::printf("%-32s %-20s %12s\n", kind.c_str(), status.c_str(), std::string(rest.substr(space + 1)).c_str());
      } else if (absl::ConsumePrefix(&rest, "unexpected ")) {
        Problem(absl::StrCat("a call ended so: ", std::string(rest)));
      } else if (absl::ConsumePrefix(&rest, "figures ")) {
        client_at_end_ = ParseFigures(std::string(rest));
      } else {
        std::printf("%s\n", line.c_str());
      }
    }
    calls = client_at_end_["calls"];
    std::printf(
        "\n%ld calls of the client in %s, %.0f a second; %ld of these interrupted by a server's end; %ld "
        "unexpected outcomes\n",
        static_cast<long>(calls), absl::FormatDuration(absl::Floor(took, absl::Seconds(1))).c_str(),
        static_cast<double>(calls) / absl::ToDoubleSeconds(took), static_cast<long>(client_at_end_["interrupted"]),
        static_cast<long>(client_at_end_["unexpected"]));
    std::printf("%ld calls that the lasting server has served\n", static_cast<long>(at_end_["calls"]));
    std::printf("servers: %d killed, %d restarted, %d taken over; clients: %d killed\n", server_deaths_, restarts_,
                takeovers_, client_deaths_ + 1);
    std::printf("the longest: %.1f s of a death, %.1f s of a restart, %.1f s of a takeover\n",
                absl::ToDoubleSeconds(longest_disruptions_[0]), absl::ToDoubleSeconds(longest_disruptions_[2]),
                absl::ToDoubleSeconds(std::max(longest_disruptions_[1], longest_disruptions_[3])));
    if (client_at_end_["calls"] == 0) Problem("no calls");
    ReportLeaks("server", server_life_, at_end_);
    ReportLeaks("client", client_life_, client_at_end_);
    for (const char* figure : {"running", "in_flight", "connections"}) {
      if (at_end_[figure] != 0) Problem(absl::StrCat("the server's ", figure, " at the end: ", at_end_[figure]));
    }
    if (!dir_.IsEmpty()) Problem(absl::StrCat("a file is left in ", dir_.path()));
    std::printf("soak: %d problems\n", problems_);
  }

  void ReportLeaks(const std::string& name, Lifetime& life, Figures& at_end) {
    const auto warm = life.Range("resident", 0.2, 0.4);
    const auto last = life.Range("resident", 0.8, 1);
    std::printf(
        "%s: resident %s at the start, %s to %s when it had warmed up, %s to %s in the last fifth of the time, %s "
        "without clients\n",
        name.c_str(), Mebibytes(life.first["resident"]).c_str(), Mebibytes(warm.first).c_str(),
        Mebibytes(warm.second).c_str(), Mebibytes(last.first).c_str(), Mebibytes(last.second).c_str(),
        Mebibytes(at_end["resident"]).c_str());
    std::printf("%s: %ld descriptors and %ld threads at the start, %ld and %ld at the end; at most %ld and %ld\n",
                name.c_str(), static_cast<long>(life.first["descriptors"]), static_cast<long>(life.first["threads"]),
                static_cast<long>(at_end["descriptors"]), static_cast<long>(at_end["threads"]),
                static_cast<long>(life.Range("descriptors", 0, 1).second),
                static_cast<long>(life.Range("threads", 0, 1).second));
    if (at_end["descriptors"] > life.first["descriptors"] + kDescriptorsKept) {
      Problem(absl::StrCat("the ", name, " has left descriptors open"));
    }
    if (!kSanitized && last.first > warm.second + kGrowthBound) Problem(absl::StrCat("the ", name, " has grown"));
    const auto warm_threads = life.Range("threads", 0, 0.4);
    if (life.Range("threads", 0.8, 1).first > 2 * warm_threads.second + 16) {
      Problem(absl::StrCat("the ", name, " has more and more threads"));
    }
  }

  const absl::Duration length_;
  uint64_t seed_;
  TempDir dir_;
  std::unique_ptr<ChildProcess> server_;
  std::unique_ptr<ChildProcess> mortal_;
  std::unique_ptr<ChildProcess> client_;
  std::unique_ptr<ChildProcess> victim_;
  Lifetime server_life_;
  Lifetime client_life_;
  Figures at_end_;
  Figures client_at_end_;
  std::vector<std::string> client_report_;
  int disruptions_ = 0;
  absl::Duration longest_disruptions_[4];
  int server_deaths_ = 0;
  int restarts_ = 0;
  int takeovers_ = 0;
  int client_deaths_ = 0;
  int problems_ = 0;
  bool broken_ = false;
};

}  // namespace
}  // namespace udsrpc::testing

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  uint64_t seed = absl::GetFlag(FLAGS_seed);
  if (seed == 0) seed = static_cast<uint64_t>(absl::ToUnixMicros(absl::Now()));
  return udsrpc::testing::Soak(absl::Seconds(absl::GetFlag(FLAGS_seconds)), seed).Run();
}
