#include "tools/top.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/flags.h"
#include "tools/interruption.h"
#include "tools/introspection_client.h"
#include "tools/screen.h"
#include "tools/target.h"
#include "tools/terminal.h"
#include "tools/top_frame.h"

ABSL_FLAG(absl::Duration, interval, absl::Seconds(1), "How long to look for each time, 50ms or more");
ABSL_FLAG(bool, once, false, "Print once what one interval had, and end");

namespace udsrpc::tools {
namespace {

constexpr absl::Duration kShortestInterval = absl::Milliseconds(50);

// What may end a pause: the time, a key, an interrupt.
class Pause {
 public:
  // `keys`: whether standard input has keys.
  Pause(const Interruption& interruption, bool keys)
      : watched_{{.fd = interruption.fd(), .events = POLLIN, .revents = 0},
                 {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}} {}

  enum class End { kTime, kKey, kInterrupt };
  End Until(absl::Time time) {
    const absl::Duration left = std::max(time - absl::Now(), absl::ZeroDuration());
    const timespec timeout = absl::ToTimespec(left);
    if (ppoll(watched_, 2, &timeout, nullptr) <= 0) return absl::Now() < time ? Until(time) : End::kTime;
    return watched_[0].revents != 0 ? End::kInterrupt : End::kKey;
  }

 private:
  pollfd watched_[2];
};

class Top {
 public:
  Top(std::string target, const v1::IntrospectionStub& stub, const Interruption& interruption)
      : target_(std::move(target)), stub_(stub), pause_(interruption, Screen::IsThere() && !absl::GetFlag(FLAGS_once)) {
    if (Screen::IsThere() && !absl::GetFlag(FLAGS_once)) screen_.emplace();
  }

  Outcome Run() {
    if (Outcome fetched = FetchStats(target_, stub_, &now_); fetched.code != ExitCode::kOk) return fetched;
    if (screen_) Show();  // at once, of all the time before
    for (absl::Time next = absl::Now() + interval_; GoesOn(next); next = std::max(next + interval_, absl::Now())) {
      v1::GetStatsResponse latest;
      if (Outcome fetched = FetchStats(target_, stub_, &latest); fetched.code != ExitCode::kOk) return fetched;
      before_.emplace(std::move(now_));
      now_ = std::move(latest);
      Show();
      if (absl::GetFlag(FLAGS_once) || (!screen_ && !FlushOutput())) break;
    }
    return Outcome::Ok();
  }

 private:
  // Waits until `time`. False: it is to end.
  bool GoesOn(absl::Time time) {
    for (;;) {
      switch (pause_.Until(time)) {
        case Pause::End::kTime:
          return true;
        case Pause::End::kInterrupt:
          return false;
        case Pause::End::kKey:
          break;
      }
      char key = 'q';
      if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q') return false;
      if (const std::optional<TopOrder> order = TopOrderOf(key)) {
        order_ = *order;
        Show();
      }
    }
  }

  void Show() {
    const std::vector<std::string> lines = TopFrame(target_, before_ ? &*before_ : nullptr, now_, order_);
    if (screen_) {
      return screen_->Draw(lines,
                           Styled(Style::kDim, "sort: c calls, l latency, e not OK, f in flight, m method; q ends"));
    }
    for (const std::string& line : lines) std::puts(line.c_str());
    if (!absl::GetFlag(FLAGS_once)) std::puts("");
    FlushOutput();
  }

  const std::string target_;
  const v1::IntrospectionStub& stub_;
  const absl::Duration interval_ = absl::GetFlag(FLAGS_interval);
  Pause pause_;
  std::optional<Screen> screen_;
  TopOrder order_ = TopOrder::kCalls;
  std::optional<v1::GetStatsResponse> before_;
  v1::GetStatsResponse now_;
};

Outcome RunTop(const std::vector<std::string>& arguments) {
  if (absl::GetFlag(FLAGS_interval) < kShortestInterval) return Outcome::Usage("--interval: it must be 50ms or more");
  const Interruption interruption;
  std::shared_ptr<Channel> channel;
  if (Outcome opened = OpenChannel(arguments[0], &channel); opened.code != ExitCode::kOk) return opened;
  const v1::IntrospectionStub stub(channel);
  return Top(arguments[0], stub, interruption).Run();
}

}  // namespace

Command TopCommand() {
  return {.name = "top",
          .arguments = "TARGET",
          .summary = "Watch what a server does: calls a second, latencies, errors",
          .description =
              "Asks a server again and again for what it has counted, and shows what has happened between: of each "
              "method that was called the calls a second, how long they took, those in flight and the statuses other "
              "than OK, and of each process the same without latencies. On a terminal it is redrawn in place; the keys "
              "c, l, e, f and m sort by calls, p99, errors, calls in flight and method, and q ends it. Elsewhere "
              "each interval is printed below the one before.\n\n"
              "The server's program has to add a udsrpc::Introspection, and tells its own user and root unless it "
              "says otherwise.",
          .flags = {"interval", "metadata", "once", "timeout", "transport"},
          .examples = {{"What a server does", "udsrpc top unix:/run/greeter.sock"},
                       {"The last ten seconds, in a report", "udsrpc top @greeter --interval=10s --once"}},
          .min_arguments = 1,
          .max_arguments = 1,
          .run = RunTop};
}

}  // namespace udsrpc::tools
