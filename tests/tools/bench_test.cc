// `udsrpc bench` against servers of this process, which know how often they were called.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/child_process.h"
#include "tests/tools/cli.h"
#include "tests/tools/served.h"
#include "tools/bench_report.pb.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tools::BenchReport;

BenchReport ParseReport(const std::string& json) {
  BenchReport report;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &report);
  EXPECT_TRUE(status.ok()) << std::string(status.message()) << "\n" << json;
  return report;
}

// Takes 5 ms a call, one after the other, whatever the server's threads: at most 200 calls a second.
class OneAtATime final : public TestService {
 public:
  absl::Status Echo(ServerContext& /*context*/, const EchoRequest& /*request*/, EchoReply& /*reply*/) override {
    const internal::MutexLock lock(mutex_);
    absl::SleepFor(absl::Milliseconds(5));
    return absl::OkStatus();
  }

 private:
  internal::Mutex mutex_;
};

// Two of three calls fail, each in its own way.
class FailsTwice final : public TestService {
 public:
  absl::Status Echo(ServerContext& /*context*/, const EchoRequest& /*request*/, EchoReply& /*reply*/) override {
    switch (calls_.fetch_add(1) % 3) {
      case 0:
        return absl::OkStatus();
      case 1:
        return absl::AbortedError("try again");
      default:
        return absl::DataLossError("gone");
    }
  }
  int calls() const { return calls_.load(); }

 private:
  std::atomic<int> calls_{0};
};

class BenchTest : public ::testing::TestWithParam<Transport> {
 protected:
  void TearDown() override {
    server_.reset();
    EXPECT_TRUE(dir_.IsEmpty());
  }

  void Serve(Service& service) {
    ServerBuilder builder;
    builder.AddEndpoint(target_).RegisterService(&service);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::vector<std::string> Arguments(const std::string& method, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"bench",
                                       target_,
                                       "udsrpc.testing.Test/" + method,
                                       "--transport",
                                       std::string(TransportName(GetParam())),
                                       "--proto=tests/proto/testing.proto",
                                       absl::StrCat("--proto_path=", UDSRPC_TEST_PROTO_ROOT)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  CliResult Bench(const std::string& method, const std::vector<std::string>& more) const {
    return RunCli(Arguments(method, more));
  }

  BenchReport Measure(const std::vector<std::string>& more) const {
    std::vector<std::string> all{"--json", "--duration=300ms", "--warmup=50ms"};
    all.insert(all.end(), more.begin(), more.end());
    const CliResult result = Bench("Echo", all);
    EXPECT_EQ(result.code, 0) << result.err;
    return ParseReport(result.out);
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
};
INSTANTIATE_TEST_SUITE_P(All, BenchTest, OneByOne(), TransportTestName);

void ExpectOrder(const BenchReport::Latency& latency) {
  EXPECT_GT(latency.p50(), 0);
  EXPECT_LE(latency.p50(), latency.p90());
  EXPECT_LE(latency.p90(), latency.p99());
  EXPECT_LE(latency.p99(), latency.p999());
  EXPECT_LE(latency.p999(), latency.max());
}

TEST_P(BenchTest, TheCallsThatTheServerCountsAreThoseReported) {
  Serve(service_);
  const std::vector<std::vector<std::string>> ways{
      {}, {"--concurrency=16"}, {"--concurrency=9", "--connections=3"}, {"--rate=500"}, {"--warmup=0s"}};
  double before = 0;
  for (const std::vector<std::string>& way : ways) {
    const BenchReport report = Measure(way);
    EXPECT_EQ(report.warmup_calls() + report.calls(), service_.echoes() - before) << report.DebugString();
    before = service_.echoes();
    EXPECT_GT(report.calls(), 0);
    EXPECT_EQ(report.failed(), 0);
    double in_histogram = 0;
    for (const BenchReport::Bucket& bucket : report.histogram()) in_histogram += bucket.count();
    EXPECT_EQ(in_histogram, report.calls());
    ExpectOrder(report.latency_us());
    EXPECT_GE(report.seconds(), 0.3);
    EXPECT_NEAR(report.calls_per_second() * report.seconds(), report.calls(), 1);
    EXPECT_EQ(report.transport(), TransportName(GetParam()));
    EXPECT_EQ(report.server_pid(), getpid());
    EXPECT_GT(report.client_cpu().seconds(), 0);
    EXPECT_GT(report.server_cpu().seconds(), 0);
    EXPECT_FALSE(report.interrupted());
  }
}

TEST_P(BenchTest, ARateAboveWhatTheServerCanDoShowsAsLatency) {
  OneAtATime slow;
  Serve(slow);
  const absl::Cleanup end = [this] { server_.reset(); };
  const BenchReport closed = Measure({"--duration=1s"});
  const BenchReport open = Measure({"--duration=1s", "--rate=1000", "--concurrency=10"});
  EXPECT_LT(closed.calls(), 210);
  EXPECT_EQ(closed.never_begun(), 0);
  EXPECT_LT(open.calls(), 250);
  // Of 1,000 that were due each second at most 200 were served: the last of them were due four fifths of a second
  // before.
  EXPECT_GT(open.latency_us().max(), 500e3);
  EXPECT_GT(open.latency_us().p50(), 10 * 5e3);
  EXPECT_GT(open.latency_us().p50(), 2 * closed.latency_us().p50());
  EXPECT_GT(open.never_begun(), 500);
  EXPECT_NEAR(open.never_begun() + open.calls(), 1000, 1);
  EXPECT_GT(open.longest_due_us(), 500e3);
  EXPECT_GT(open.delay_us().max(), 500e3);
  const std::string text = Bench("Echo", {"--duration=300ms", "--rate=1000", "--concurrency=10"}).out;
  EXPECT_THAT(text, AllOf(HasSubstr("calls due never began"), HasSubstr("this rate is not kept up with")));
}

TEST_P(BenchTest, FailuresAreCountedByStatus) {
  FailsTwice service;
  Serve(service);
  const absl::Cleanup end = [this] { server_.reset(); };
  const CliResult result = Bench("Echo", {"--json", "--duration=200ms", "--warmup=0s"});
  EXPECT_EQ(result.code, kFailed);
  EXPECT_THAT(result.err, HasSubstr("calls failed"));
  const BenchReport report = ParseReport(result.out);
  ASSERT_EQ(report.failures_size(), 2) << result.out;
  EXPECT_EQ(report.failures(0).code(), "ABORTED");
  EXPECT_EQ(report.failures(0).message(), "try again");
  EXPECT_EQ(report.failures(1).code(), "DATA_LOSS");
  EXPECT_EQ(report.failures(0).count() + report.failures(1).count(), report.failed());
  EXPECT_NEAR(report.failures(0).count(), report.failures(1).count(), 1);
  EXPECT_EQ(report.calls() + report.warmup_calls(), service.calls());
  EXPECT_NEAR(report.failed(), report.calls() * 2 / 3, 2);
}

TEST_P(BenchTest, StreamsAreReadToTheirEnd) {
  Serve(service_);
  const CliResult result = Bench(
      "Count", {R"({"bytes": 8, "messages": 50})", "--json", "--duration=200ms", "--warmup=0s", "--concurrency=2"});
  EXPECT_EQ(result.code, 0) << result.err;
  const BenchReport report = ParseReport(result.out);
  EXPECT_GT(report.calls(), 0);
  EXPECT_EQ(report.messages(), 50 * report.calls());
  EXPECT_EQ(report.failed(), 0);
}

TEST_P(BenchTest, ASignalEndsItWithTheReport) {
  Serve(service_);
  ChildProcess bench(CliArguments(Arguments("Echo", {"--json", "--duration=1h", "--warmup=0s", "--concurrency=4"})));
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (service_.echoes() < 100 && absl::Now() < give_up) std::this_thread::yield();
  bench.Kill(SIGINT);
  const BenchReport report = ParseReport(bench.ReadAll());
  EXPECT_EQ(bench.Wait(), 0);
  EXPECT_TRUE(report.interrupted());
  EXPECT_EQ(report.calls() + report.warmup_calls(), service_.echoes());
}

TEST_P(BenchTest, ASignalEndsACallThatHangs) {
  Serve(service_);
  ChildProcess bench(CliArguments(Arguments("Block", {R"({"gate": "g"})", "--timeout=inf"})));
  ASSERT_TRUE(service_.AwaitArrivals("g", 1));
  bench.Kill(SIGINT);
  EXPECT_EQ(bench.Wait(), kFailed);
  EXPECT_TRUE(service_.AwaitCancelled("g", 1));
}

TEST_P(BenchTest, TheReportIsDrawnForPeople) {
  Serve(service_);
  const CliResult result = Bench("Echo", {R"({"text": "hi"})", "--duration=100ms", "--warmup=0s"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, IsEmpty()) << "no progress where there is no terminal";
  EXPECT_THAT(result.out, AllOf(HasSubstr("udsrpc.testing.Test/Echo"), HasSubstr("calls/s"), HasSubstr("p99.9"),
                                HasSubstr("server, pid"), HasSubstr("##")));
}

TEST_P(BenchTest, WhatCannotBeMeasuredIsSaidBeforeAnythingIs) {
  Serve(service_);
  const auto expect_usage = [this](const std::string& method, const std::vector<std::string>& more,
                                   const std::string& error) {
    const CliResult result = Bench(method, more);
    EXPECT_EQ(result.code, kUsage) << error;
    EXPECT_THAT(result.err, HasSubstr(error));
    EXPECT_THAT(result.out, IsEmpty());
  };
  expect_usage("Chat", {}, "takes a stream of requests");
  expect_usage("Count", {"--rate=5"}, "streams have no schedule");
  expect_usage("Echo", {"--concurrency=-1"}, "--concurrency: it must be");
  expect_usage("Echo", {"--connections=2"}, "more than --concurrency");
  expect_usage("Echo", {"--rate=-1"}, "--rate: it must be");
  expect_usage("Echo", {"--duration=0s"}, "--duration: it must be");
  expect_usage("Echo", {R"({"txt": 1})"}, "the request is no");
  expect_usage("Eco", {}, "did you mean udsrpc.testing.Test/Echo?");
  EXPECT_EQ(service_.echoes(), 0);
  server_.reset();
  const CliResult nobody = Bench("Echo", {});
  EXPECT_EQ(nobody.code, kUnreachable);
  EXPECT_THAT(nobody.err, HasSubstr("UNAVAILABLE"));
}

class BenchServedTest : public ServedTest {};
INSTANTIATE_TEST_SUITE_P(All, BenchServedTest, ::testing::Values(Served::kSeqpacket, Served::kGrpc, Served::kStock),
                         ServedName);

TEST_P(BenchServedTest, TheServerIsAskedForItsMethods) {
  const CliResult result = Run({"bench", "udsrpc.testing.Test/Echo", R"({"text": "hi"})", "--json", "--duration=100ms",
                                "--warmup=0s", "--concurrency=3"});
  EXPECT_EQ(result.code, 0) << result.err;
  const BenchReport report = ParseReport(result.out);
  EXPECT_GT(report.calls(), 0);
  EXPECT_EQ(report.failed(), 0);
  EXPECT_EQ(report.server_pid(), stock_.has_value() ? stock_->pid() : getpid());
}

TEST_P(BenchServedTest, TheTransportIsTheQuickerOneThatTheServerHas) {
  const CliResult result = RunCli({"bench", target(), "udsrpc.testing.Test/Echo", "--json", "--duration=50ms"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(ParseReport(result.out).transport(), GetParam() == Served::kStock ? "grpc" : "seqpacket");
}

}  // namespace
}  // namespace udsrpc::testing
