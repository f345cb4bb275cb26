#include "tools/bench.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/bench_report.pb.h"
#include "tools/bench_text.h"
#include "tools/dynamic_method.h"
#include "tools/flags.h"
#include "tools/found_server.h"
#include "tools/interruption.h"
#include "tools/json.h"
#include "tools/load.h"
#include "tools/processes.h"
#include "tools/schema.h"
#include "tools/target.h"
#include "tools/terminal.h"
#include "udsrpc/internal/mutex.h"

ABSL_FLAG(int, concurrency, 0,
          "How many calls are outstanding, 1 to 100000; with --rate, how many at most. 0: 1, and with --rate 1000");
ABSL_FLAG(int, connections, 1, "On how many connections, 1 to 10000");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(10), "For how long calls begin and are measured, as in 500ms or 1m");
ABSL_FLAG(double, rate, 0, "How many calls begin in a second, on a schedule; 0: each begins when another ends");
ABSL_FLAG(absl::Duration, warmup, absl::Seconds(1), "For how long calls are made before, and not measured");

namespace udsrpc::tools {
namespace {

constexpr int kMaxCalls = 100000;
constexpr int kMaxConnections = 10000;
constexpr int kMaxThreads = 1000;  // of streams
constexpr int kScheduledCalls = 1000;
constexpr double kMaxRate = 1e7;
// Calls that are under way when a signal comes may end by themselves for so long.
constexpr std::chrono::seconds kGrace{1};
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::milliseconds kProgress{500};

Outcome CheckFlags() {
  const auto within = [](int value, int least, int most) { return value >= least && value <= most; };
  if (!within(absl::GetFlag(FLAGS_concurrency), 0, kMaxCalls)) {
    return Outcome::Usage(absl::StrCat("--concurrency: it must be 1 to ", kMaxCalls));
  }
  if (!within(absl::GetFlag(FLAGS_connections), 1, kMaxConnections)) {
    return Outcome::Usage(absl::StrCat("--connections: it must be 1 to ", kMaxConnections));
  }
  if (const double rate = absl::GetFlag(FLAGS_rate); !(rate >= 0 && rate <= kMaxRate)) {
    return Outcome::Usage(absl::StrFormat("--rate: it must be above 0, to %.0f calls a second", kMaxRate));
  }
  const absl::Duration longest = absl::Hours(24);
  if (const absl::Duration time = absl::GetFlag(FLAGS_duration); time <= absl::ZeroDuration() || time > longest) {
    return Outcome::Usage("--duration: it must be above 0, to 24h");
  }
  if (const absl::Duration time = absl::GetFlag(FLAGS_warmup); time < absl::ZeroDuration() || time > longest) {
    return Outcome::Usage("--warmup: it must be 0 to 24h");
  }
  return Outcome::Ok();
}

// One run of the command.
class Bench {
 public:
  explicit Bench(std::string target) : target_(std::move(target)) {}

  Outcome Run(const std::string& method, const std::string& json) {
    if (Outcome outcome = CheckFlags(); outcome.code != ExitCode::kOk) return outcome;
    if (Outcome outcome = Open(); outcome.code != ExitCode::kOk) return outcome;
    if (Outcome outcome = FindMethod(method, json); outcome.code != ExitCode::kOk) return outcome;
    if (Outcome outcome = SizePlan(); outcome.code != ExitCode::kOk) return outcome;
    const Interruption interruption([this] { OnInterrupt(); });
    if (Outcome outcome = MakeFirstCall(); outcome.code != ExitCode::kOk) return outcome;
    if (interruption.interrupted()) return Outcome::Failed("interrupted before anything was measured");
    Measure(interruption);
    Describe();
    return Print();
  }

 private:
  // The transport is chosen once, so that what is measured is one.
  Outcome Open() {
    server_ = FindServer(CanonicalTarget(target_), absl::GetFlag(FLAGS_transport));
    if (absl::GetFlag(FLAGS_transport) == Transport::kAuto) {
      absl::SetFlag(&FLAGS_transport, server_.has_seqpacket ? Transport::kSeqpacket : Transport::kGrpc);
    }
    ChannelOptions options;
    options.max_receive_message_bytes = 256 << 20;
    for (int i = absl::GetFlag(FLAGS_connections); i > 0; --i) {
      std::shared_ptr<Channel> channel;
      if (Outcome outcome = OpenChannel(target_, &channel, options); outcome.code != ExitCode::kOk) return outcome;
      plan_.channels.push_back(std::move(channel));
    }
    return Outcome::Ok();
  }

  Outcome FindMethod(const std::string& name, const std::string& json) {
    if (Outcome outcome = OpenSchema(plan_.channels[0], &schema_); outcome.code != ExitCode::kOk) return outcome;
    const Outcome found = DynamicMethod::Find(*schema_, name, &method_);
    std::string bytes;
    Outcome outcome = found;
    if (outcome.code == ExitCode::kOk) {
      const std::unique_ptr<google::protobuf::Message> request = method_->NewRequest();
      outcome = method_->ParseRequest(json, request.get());
      bytes = request->SerializeAsString();
    }
    schema_->Rest();
    if (outcome.code != ExitCode::kOk) return outcome;
    if (!ReadsOneRequest(method_->kind())) {
      return Outcome::Usage(absl::StrCat(name, " takes a stream of requests; bench measures methods that take one"));
    }
    plan_.method = method_->descriptor();
    plan_.request.ParseFromString(bytes);
    return Outcome::Ok();
  }

  Outcome SizePlan() {
    const bool is_stream = plan_.method.kind == MethodKind::kServerStreaming;
    if (const double rate = absl::GetFlag(FLAGS_rate); rate > 0) {
      if (is_stream) return Outcome::Usage("--rate: streams have no schedule; leave it out, or choose a unary method");
      plan_.rate = rate;
    }
    plan_.concurrency = absl::GetFlag(FLAGS_concurrency);
    if (plan_.concurrency == 0) plan_.concurrency = plan_.rate.has_value() ? kScheduledCalls : 1;
    if (is_stream && plan_.concurrency > kMaxThreads) {
      return Outcome::Usage(absl::StrCat("--concurrency: a stream takes a thread; at most ", kMaxThreads));
    }
    if (plan_.concurrency < static_cast<int>(plan_.channels.size())) {
      return Outcome::Usage("--connections: there are more than --concurrency calls to make on them");
    }
    return Outcome::Ok();
  }

  // Of which all others are repetitions: finds out whether it can be made.
  Outcome MakeFirstCall() {
    if (Outcome outcome = PrepareContext(&first_); outcome.code != ExitCode::kOk) return outcome;
    plan_.timeout = absl::GetFlag(FLAGS_timeout);
    for (const auto& [key, value] : first_.metadata()) plan_.metadata.emplace_back(key, value);
    const absl::Status status = MakeCall(plan_, *plan_.channels[0], &first_).first;
    switch (status.code()) {
      case absl::StatusCode::kUnavailable:
      case absl::StatusCode::kPermissionDenied:
      case absl::StatusCode::kUnauthenticated:
      case absl::StatusCode::kUnimplemented:
        return CallOutcome(plan_.channels[0]->target(), status);
      default:
        return Outcome::Ok();  // how a server fails may be what is to be measured
    }
  }

  void OnInterrupt() {
    first_.Cancel();
    const internal::MutexLock lock(mutex_);
    if (record_.has_value()) record_->EndNow();
  }

  void BeginRecord(const Interruption& interruption) {
    const auto from = LoadClock::now() + absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_warmup));
    const internal::MutexLock lock(mutex_);
    record_.emplace(from, from + absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_duration)));
    if (interruption.interrupted()) record_->EndNow();
  }

  void Measure(const Interruption& interruption) {
    BeginRecord(interruption);
    const auto from = record_->from();
    const std::unique_ptr<Load> load = StartLoad(plan_, &*record_);
    if (!load->AwaitEnd(absl::FromChrono(std::max(from - LoadClock::now(), LoadClock::duration::zero())))) {
      StartCounting();
      AwaitEnd(interruption, load.get());
      StopCounting();
    }
    EndProgress();
    report_.set_interrupted(interruption.interrupted());
    report_.set_never_begun(static_cast<double>(load->never_begun()));
    report_.set_longest_due_us(Microseconds(absl::FromChrono(load->longest_due())));
  }

  void AwaitEnd(const Interruption& interruption, Load* load) {
    auto next_progress = LoadClock::now() + kProgress;
    bool cancelled = false;
    while (!load->AwaitEnd(absl::FromChrono(kTick))) {
      const auto now = LoadClock::now();
      if (interruption.interrupted() && !cancelled && now > record_->until() + kGrace) {
        load->CancelCalls();
        cancelled = true;
      }
      if (now < next_progress) continue;
      next_progress += kProgress;
      ShowProgress(now);
    }
  }

  void StartCounting() {
    counted_from_ = LoadClock::now();
    own_cpu_ = CpuTime(getpid());
    if (server_.pid.has_value()) server_cpu_ = CpuTime(*server_.pid);
  }

  void StopCounting() {
    const double seconds = std::chrono::duration<double>(LoadClock::now() - counted_from_).count();
    const auto calls = static_cast<double>(record_->ok() + record_->failed());
    const auto describe = [&](std::optional<absl::Duration> before, std::optional<absl::Duration> after,
                              BenchReport::Cpu* cpu) {
      if (!before.has_value() || !after.has_value()) return false;
      const double used = absl::ToDoubleSeconds(*after - *before);
      cpu->set_seconds(used);
      cpu->set_percent(seconds > 0 ? 100 * used / seconds : 0);
      cpu->set_us_per_call(calls > 0 ? 1e6 * used / calls : 0);
      return true;
    };
    describe(own_cpu_, CpuTime(getpid()), report_.mutable_client_cpu());
    BenchReport::Cpu of_server;
    if (server_.pid.has_value() && describe(server_cpu_, CpuTime(*server_.pid), &of_server)) {
      report_.set_server_pid(*server_.pid);
      *report_.mutable_server_cpu() = of_server;
    }
  }

  void ShowProgress(LoadClock::time_point now) {
    if (isatty(STDERR_FILENO) != 1) return;
    const double seconds = std::chrono::duration<double>(now - record_->from()).count();
    const uint64_t calls = record_->ok();
    std::fprintf(stderr, "\r\x1b[K%s",
                 absl::StrFormat("%.1f s  %d calls  %.0f calls/s  p50 %s  p99 %s  %d failed", seconds, calls,
                                 static_cast<double>(calls) / seconds,
                                 MicrosecondsText(Microseconds(record_->latencies().Quantile(0.5))),
                                 MicrosecondsText(Microseconds(record_->latencies().Quantile(0.99))), record_->failed())
                     .c_str());
    shows_progress_ = true;
  }

  void EndProgress() const {
    if (shows_progress_) std::fputs("\r\x1b[K", stderr);
  }

  static double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

  static BenchReport::Latency LatencyOf(const LatencyHistogram& histogram) {
    BenchReport::Latency latency;
    latency.set_mean(Microseconds(histogram.mean()));
    latency.set_p50(Microseconds(histogram.Quantile(0.5)));
    latency.set_p90(Microseconds(histogram.Quantile(0.9)));
    latency.set_p99(Microseconds(histogram.Quantile(0.99)));
    latency.set_p999(Microseconds(histogram.Quantile(0.999)));
    latency.set_max(Microseconds(histogram.max()));
    return latency;
  }

  void Describe() {
    report_.set_target(plan_.channels[0]->target());
    report_.set_method(std::string(plan_.method.path + 1));
    report_.set_transport(std::string(TransportName(plan_.channels[0]->transport())));
    report_.set_concurrency(static_cast<uint32_t>(plan_.concurrency));
    report_.set_connections(static_cast<uint32_t>(plan_.channels.size()));
    if (plan_.rate.has_value()) report_.set_rate(*plan_.rate);
    const double seconds = std::chrono::duration<double>(record_->elapsed()).count();
    const auto ok = static_cast<double>(record_->ok());
    report_.set_seconds(seconds);
    report_.set_warmup_calls(static_cast<double>(record_->warmup_calls()) + 1);
    report_.set_calls(ok + static_cast<double>(record_->failed()));
    report_.set_failed(static_cast<double>(record_->failed()));
    report_.set_calls_per_second(seconds > 0 ? ok / seconds : 0);
    if (plan_.method.kind == MethodKind::kServerStreaming) {
      const auto messages = static_cast<double>(record_->messages());
      report_.set_messages(messages);
      report_.set_messages_per_second(seconds > 0 ? messages / seconds : 0);
    }
    for (const auto& [code, failure] : record_->failures()) {
      BenchReport::StatusCount* const status = report_.add_failures();
      status->set_code(absl::StatusCodeToString(code));
      status->set_count(static_cast<double>(failure.count));
      status->set_message(failure.message);
    }
    const LatencyHistogram latencies = record_->latencies();
    if (latencies.count() > 0) *report_.mutable_latency_us() = LatencyOf(latencies);
    for (const LatencyHistogram::Bucket& one : latencies.buckets()) {
      BenchReport::Bucket* const bucket = report_.add_histogram();
      bucket->set_from_us(Microseconds(one.lower));
      bucket->set_to_us(Microseconds(one.upper));
      bucket->set_count(static_cast<double>(one.count));
    }
    if (plan_.rate.has_value()) *report_.mutable_delay_us() = LatencyOf(record_->delays());
  }

  Outcome Print() const {
    if (absl::GetFlag(FLAGS_json)) {
      if (Outcome printed = PrintReport(report_); printed.code != ExitCode::kOk) return printed;
    } else {
      std::fputs(BenchText(report_, TerminalWidth()).c_str(), stdout);
    }
    if (report_.calls() == 0) return Outcome::Failed("no call was measured; give it a longer --duration, or --timeout");
    if (report_.failed() == 0) return Outcome::Ok();
    return Outcome::Failed(absl::StrFormat("%.0f of %.0f calls failed", report_.failed(), report_.calls()));
  }

  const std::string target_;
  FoundServer server_;
  LoadPlan plan_;
  std::unique_ptr<Schema> schema_;
  std::unique_ptr<DynamicMethod> method_;
  ClientContext first_;
  internal::Mutex mutex_;  // while the record is made
  std::optional<LoadRecord> record_;
  LoadClock::time_point counted_from_;
  std::optional<absl::Duration> own_cpu_;
  std::optional<absl::Duration> server_cpu_;
  bool shows_progress_ = false;
  BenchReport report_;
};

Outcome RunBench(const std::vector<std::string>& arguments) {
  return Bench(arguments[0]).Run(arguments[1], arguments.size() > 2 ? arguments[2] : "{}");
}

}  // namespace

Command BenchCommand() {
  return {
      .name = "bench",
      .arguments = "TARGET METHOD [JSON]",
      .summary = "Call a method again and again, and measure it",
      .description =
          "METHOD is package.Service/Method, and JSON its request; without it the request is empty. A method that "
          "answers with a stream is read to its end, and messages are counted as well.\n\n"
          "Without --rate each call begins when another ends, --concurrency of them being outstanding (closed loop): "
          "it "
          "tells how much a server can do. A server that stops for a second delays no more than these few, so such "
          "latencies say little of what users see who do not wait for each other. With --rate calls begin on a "
          "schedule "
          "(open loop), and a latency counts from when its call was due: what waits because the server, or this tool, "
          "falls behind is in it. \"late\" says by how much calls began after their time, and what never began is "
          "counted.\n\n"
          "A call counts where it was to begin in the measured time, whenever it ends; latencies are those of calls "
          "that "
          "ended with OK. They are counted in buckets that are 3 % wide on each side; the largest is exact.\n\n"
          "What the tool itself takes is in what it measures, as it would be in any client: one call at a time is made "
          "by a thread that waits for it, which is quickest; more are begun and ended by one thread a connection, so "
          "that one connection cannot do more than that thread can: look at its CPU. The request is encoded once, and "
          "responses are read without looking into them. With --rate it takes some 10 to 100 us until a sleeping "
          "thread "
          "has been woken to begin a call, which is in the latency. On a host whose CPUs are all busy client and "
          "server "
          "take them from each other.\n\n"
          "Ctrl-C ends it early, with the report. Exit code 1: calls have failed. See \"udsrpc help call\" for how the "
          "method is found.",
      .flags = {"concurrency", "connections", "duration", "json", "metadata", "proto", "proto_path", "rate", "timeout",
                "transport", "warmup"},
      .examples = {{"The latency of one call at a time",
                    "udsrpc bench /run/greeter.sock helloworld.Greeter/SayHello '{\"name\": \"you\"}'"},
                   {"How much a server can do",
                    "udsrpc bench @greeter helloworld.Greeter/SayHello --concurrency=64 --connections=2"},
                   {"The latency at 5,000 calls a second",
                    "udsrpc bench @greeter helloworld.Greeter/SayHello --rate=5000 --duration=1m"},
                   {"The 99th percentile, for a script",
                    "udsrpc bench @greeter helloworld.Greeter/SayHello --json | jq .latency_us.p99"}},
      .min_arguments = 2,
      .max_arguments = 3,
      .run = RunBench};
}

}  // namespace udsrpc::tools
