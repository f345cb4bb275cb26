#include "tools/bench_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

// Rows of a histogram.
constexpr int kMaxRows = 20;

// Where rows may end, in each decade: as fine as there is room for.
const std::vector<std::vector<double>>& RowSteps() {
  static const auto* const steps = new std::vector<std::vector<double>>{
      {1, 1.12, 1.25, 1.4, 1.6, 1.8, 2, 2.24, 2.5, 2.8, 3.15, 3.55, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9},
      {1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8},
      {1, 1.6, 2.5, 4, 6.3},
      {1, 2, 5},
      {1},
  };
  return *steps;
}

// The ends of rows, the first not above `least` and the last not below `most`, which is more.
std::vector<double> RowEnds(double least, double most) {
  std::vector<double> ends;
  for (const std::vector<double>& steps : RowSteps()) {
    ends.clear();
    for (double decade = std::pow(10, std::floor(std::log10(least))); ends.empty() || ends.back() < most;
         decade *= 10) {
      for (const double step : steps) {
        const double end = decade * step;
        if (ends.size() == 1 && end <= least) ends.clear();
        if (ends.empty() || ends.back() < most) ends.push_back(end);
      }
    }
    if (ends.size() <= kMaxRows + 1) break;
  }
  return ends;
}

// How many are in [from, to), those of a bucket being spread evenly over it.
double CountWithin(const BenchReport& report, double from, double to) {
  double count = 0;
  for (const BenchReport::Bucket& bucket : report.histogram()) {
    const double common = std::min(to, bucket.to_us()) - std::max(from, bucket.from_us());
    if (common > 0) count += bucket.count() * common / (bucket.to_us() - bucket.from_us());
  }
  return count;
}

std::string HistogramText(const BenchReport& report, int width) {
  if (report.histogram().empty()) return "";
  const double least = std::max(report.histogram(0).from_us(), 0.05);
  const double last = report.histogram(report.histogram_size() - 1).to_us();
  // The rarest have one row, however far they are, so that the others have more.
  std::vector<double> ends = RowEnds(least, std::max(report.latency_us().p999(), least * 1.01));
  if (ends.back() < last) ends.push_back(last);
  std::vector<double> counts;
  for (size_t i = 0; i + 1 < ends.size(); ++i) {
    counts.push_back(CountWithin(report, i == 0 ? 0 : ends[i], ends[i + 1]));
  }
  const double most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  if (most <= 0) return "";
  const double all = report.calls() - report.failed();
  constexpr int kBesideBar = 40;
  const int room = std::clamp(width - kBesideBar, 10, 60);
  std::string text = "\n";
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto bar = static_cast<size_t>(std::lround(counts[i] / most * room));
    // What is too little for a bar must not look like nothing.
    const std::string drawn = bar == 0 && counts[i] >= 0.5 ? "." : std::string(bar, '#');
    absl::StrAppendFormat(
        &text, "  %9s - %-9s %s%s %5.1f %%\n", MicrosecondsText(ends[i]), MicrosecondsText(ends[i + 1]),
        Styled(Style::kCyan, drawn),
        std::string(static_cast<size_t>(room) - std::min(drawn.size(), static_cast<size_t>(room)), ' '),
        100 * counts[i] / all);
  }
  return text;
}

std::string LatencyText(const BenchReport::Latency& latency) {
  return absl::StrFormat("p50 %s  p90 %s  p99 %s  p99.9 %s  max %s  mean %s", MicrosecondsText(latency.p50()),
                         MicrosecondsText(latency.p90()), MicrosecondsText(latency.p99()),
                         MicrosecondsText(latency.p999()), MicrosecondsText(latency.max()),
                         MicrosecondsText(latency.mean()));
}

std::string CpuText(const BenchReport::Cpu& cpu) {
  return absl::StrFormat("%.0f %% of one CPU, %s a call", cpu.percent(), MicrosecondsText(cpu.us_per_call()));
}

std::string Row(absl::string_view name, absl::string_view text) { return absl::StrFormat("  %-10s%s\n", name, text); }

std::string Plural(double count, absl::string_view what) {
  return absl::StrFormat("%.0f %s%s", count, what, count == 1 ? "" : "s");
}

std::string HeadText(const BenchReport& report) {
  std::string text =
      absl::StrCat(Styled(Style::kBold, report.method()), "  ", report.target(), "  ", report.transport(), "\n");
  if (report.has_rate()) {
    absl::StrAppendFormat(&text, "%.10g calls/s on schedule, at most %s outstanding, on %s", report.rate(),
                          Plural(report.concurrency(), "call"), Plural(report.connections(), "connection"));
  } else {
    absl::StrAppend(&text, Plural(report.concurrency(), "call"), " outstanding, on ",
                    Plural(report.connections(), "connection"));
  }
  absl::StrAppendFormat(&text, "; %.3g s after %s of warm-up%s\n", report.seconds(),
                        Plural(report.warmup_calls(), "call"), report.interrupted() ? "; interrupted" : "");
  return text;
}

}  // namespace

std::string MicrosecondsText(double us) {
  const auto digits = [](double value) { return value < 9.995 ? 2 : value < 99.95 ? 1 : 0; };
  if (us < 999.5) return absl::StrFormat("%.*f us", digits(us), us);
  if (us < 999.5e3) return absl::StrFormat("%.*f ms", digits(us / 1e3), us / 1e3);
  return absl::StrFormat("%.*f s", digits(us / 1e6), us / 1e6);
}

std::string BenchText(const BenchReport& report, int width) {
  std::string text = HeadText(report);
  absl::StrAppend(
      &text, Row("calls", absl::StrFormat("%.0f, %s calls/s", report.calls(),
                                          Styled(Style::kBold, absl::StrFormat("%.0f", report.calls_per_second())))));
  if (report.has_messages()) {
    absl::StrAppend(&text, Row("messages", absl::StrFormat("%.0f, %.0f messages/s", report.messages(),
                                                           report.messages_per_second())));
  }
  for (const BenchReport::StatusCount& failure : report.failures()) {
    absl::StrAppend(&text,
                    Row("failed", Styled(Style::kRed, absl::StrFormat("%.0f %s: %s", failure.count(), failure.code(),
                                                                      Printable(failure.message())))));
  }
  if (report.has_latency_us()) absl::StrAppend(&text, Row("latency", LatencyText(report.latency_us())));
  if (report.has_delay_us()) {
    absl::StrAppend(
        &text, Row("late", absl::StrCat("calls began after their time: p50 ", MicrosecondsText(report.delay_us().p50()),
                                        "  p99 ", MicrosecondsText(report.delay_us().p99()), "  max ",
                                        MicrosecondsText(report.delay_us().max()))));
  }
  if (report.never_begun() > 0) {
    absl::StrAppend(
        &text, Row("", Styled(Style::kYellow,
                              absl::StrFormat(
                                  "%s due never began, for up to %s: this rate is not kept up with, and the "
                                  "latencies are not all there is",
                                  Plural(report.never_begun(), "call"), MicrosecondsText(report.longest_due_us())))));
  }
  absl::StrAppend(&text, Row("CPU", "this process: " + CpuText(report.client_cpu())));
  if (report.has_server_cpu()) {
    absl::StrAppend(&text,
                    Row("", absl::StrCat("server, pid ", report.server_pid(), ": ", CpuText(report.server_cpu()))));
  }
  return text + HistogramText(report, width);
}

}  // namespace udsrpc::tools
