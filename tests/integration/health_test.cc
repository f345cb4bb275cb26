// grpc.health.v1.Health as an extension of a server.

#include "udsrpc/health.h"

#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grpc/health/v1/health.udsrpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::health::v1::HealthStub;
constexpr char kService[] = "udsrpc.testing.Test";

// A Watch that is read by hand.
class Watching {
 public:
  Watching(const HealthStub& stub, const std::string& service) {
    context_.set_timeout(kPatience);
    HealthCheckRequest request;
    request.set_service(service);
    reader_.emplace(stub.Watch(context_, request));
  }

  // The next state; -1 at the end.
  int Next() {
    HealthCheckResponse response;
    return reader_->Read(response) ? response.status() : -1;
  }
  absl::Status Finish() { return reader_->Finish(); }
  void Cancel() { context_.Cancel(); }

 private:
  ClientContext context_;
  std::optional<ClientReader<HealthCheckResponse>> reader_;
};

class HealthTest : public ::testing::TestWithParam<Transport> {
 protected:
  HealthTest() : health_(std::make_unique<Health>()) { StartServer(); }

  void StartServer() {
    ServerBuilder builder;
    builder.AddEndpoint(target(), AllTransports()).RegisterService(&service_).AddExtension(health_.get());
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string target() const { return "unix:" + dir_.File("s"); }
  HealthStub MakeStub() const { return HealthStub(*CreateChannel(target(), {.transport = GetParam()})); }

  // The state, or what Check ended with.
  static absl::StatusOr<int> Check(const HealthStub& stub, const std::string& service) {
    ClientContext context;
    context.set_timeout(kPatience);
    HealthCheckRequest request;
    HealthCheckResponse response;
    request.set_service(service);
    if (absl::Status status = stub.Check(context, request, response); !status.ok()) return status;
    return response.status();
  }

  TempDir dir_;
  TestServiceImpl service_;
  std::unique_ptr<Health> health_;
  std::unique_ptr<Server> server_;
};

INSTANTIATE_TEST_SUITE_P(All, HealthTest, OneByOne(), TransportTestName);

TEST_P(HealthTest, AllServeFromTheStart) {
  const HealthStub stub = MakeStub();
  for (const char* service : {"", kService, "grpc.health.v1.Health"}) {
    EXPECT_EQ(Check(stub, service).value(), HealthCheckResponse::SERVING) << service;
    EXPECT_EQ(Watching(stub, service).Next(), HealthCheckResponse::SERVING) << service;
  }
  EXPECT_EQ(Check(stub, "database").status().code(), absl::StatusCode::kNotFound);
  const absl::Status unknown = Check(stub, std::string(100'000, 'x')).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_LT(unknown.message().size(), 400u);  // over gRPC so much of a status would not arrive
}

TEST_P(HealthTest, EachIsSetByItself) {
  const HealthStub stub = MakeStub();
  Watching watching(stub, kService);
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVING);
  health_->SetServing(kService, false);
  EXPECT_EQ(watching.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(stub, kService).value(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(stub, "").value(), HealthCheckResponse::SERVING);
  health_->SetServing(kService, false);  // says nothing, as it is not another state
  health_->SetServing(kService, true);
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVING);
}

TEST_P(HealthTest, MaintenanceIsOverAllAndKeepsWhatIsSet) {
  const HealthStub stub = MakeStub();
  Watching whole(stub, "");
  Watching service(stub, kService);
  EXPECT_EQ(whole.Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(service.Next(), HealthCheckResponse::SERVING);
  health_->SetMaintenance(true);
  EXPECT_EQ(whole.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(service.Next(), HealthCheckResponse::NOT_SERVING);
  health_->SetServing(kService, true);
  EXPECT_EQ(Check(stub, kService).value(), HealthCheckResponse::NOT_SERVING);
  health_->SetServing(kService, false);
  health_->SetMaintenance(false);
  EXPECT_EQ(whole.Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(stub, kService).value(), HealthCheckResponse::NOT_SERVING);
}

TEST_P(HealthTest, WhatIsUnknownIsToldOnceItIsKnown) {
  const HealthStub stub = MakeStub();
  Watching watching(stub, "database");
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  EXPECT_EQ(Check(stub, "database").status().code(), absl::StatusCode::kNotFound);
  health_->SetServing("database", true);
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(stub, "database").value(), HealthCheckResponse::SERVING);
  Watching none(stub, std::string(5000, 'x'));
  EXPECT_EQ(none.Next(), -1);
  EXPECT_EQ(none.Finish().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(HealthTest, WhatWasSetBeforeTheStartHolds) {
  server_.reset();
  health_ = std::make_unique<Health>();
  health_->SetServing(kService, false);
  StartServer();
  const HealthStub stub = MakeStub();
  EXPECT_EQ(Check(stub, kService).value(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check(stub, "").value(), HealthCheckResponse::SERVING);
}

TEST_P(HealthTest, WhoeverWatchesIsToldOfTheEndAndHoldsUpNoDrain) {
  const HealthStub stub = MakeStub();
  Watching whole(stub, "");
  Watching unknown(stub, "nothing");
  Watching unread(stub, "");
  EXPECT_EQ(whole.Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(unknown.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  EXPECT_EQ(unread.Next(), HealthCheckResponse::SERVING);
  std::thread shutdown([this] { server_->Shutdown(); });
  EXPECT_EQ(whole.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(whole.Next(), -1);
  EXPECT_TRUE(whole.Finish().ok());
  EXPECT_EQ(unknown.Next(), -1);
  EXPECT_TRUE(unknown.Finish().ok());
  shutdown.join();
  // What was sent before the end is there after it.
  EXPECT_EQ(unread.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(unread.Next(), -1);
}

TEST_P(HealthTest, AServerThatWasTakenOverDoesNotServe) {
  const std::string path = dir_.File("takeover");
  server_.reset();
  Health successors;
  TestServiceImpl successors_service;
  const auto start = [&](Service& service, Health& health) {
    ServerBuilder builder;
    builder.AddEndpoint(target(), AllTransports()).RegisterService(&service).AddExtension(&health);
    // Over gRPC a client that makes no call after that keeps its connection for so long.
    return builder.EnableTakeover(path, {.drain_timeout = absl::Seconds(1)}).Start();
  };
  absl::StatusOr<std::unique_ptr<Server>> server = start(service_, *health_);
  ASSERT_TRUE(server.ok()) << server.status();
  Watching watching(MakeStub(), "");
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVING);
  absl::StatusOr<std::unique_ptr<Server>> successor = start(successors_service, successors);
  ASSERT_TRUE(successor.ok()) << successor.status();
  EXPECT_EQ(watching.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(watching.Next(), -1);
  EXPECT_TRUE(watching.Finish().ok());
  EXPECT_EQ(Check(MakeStub(), "").value(), HealthCheckResponse::SERVING);
  EXPECT_EQ((*server)->Wait(), Server::End::kTakenOver);
}

// While a call drains, the server still answers those who ask.
TEST_P(HealthTest, ADrainingServerDoesNotServe) {
  const HealthStub stub = MakeStub();
  const TestStub test(*CreateChannel(target(), {.transport = GetParam()}));
  Watching watching(stub, kService);
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVING);
  ClientContext context;
  BlockRequest request;
  EchoReply reply;
  Event done;
  test.Async().Block(context, request, reply, [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    done.Happen();
  });
  ASSERT_TRUE(service_.AwaitArrivals("", 1));
  std::thread shutdown([this] { server_->Shutdown(); });
  EXPECT_EQ(watching.Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(watching.Next(), -1);
  health_->SetServing(kService, true);  // too late
  health_->SetMaintenance(false);
  service_.Open("");
  EXPECT_TRUE(done.Await());
  shutdown.join();
}

TEST_P(HealthTest, ASlowWatcherGetsTheNewestState) {
  const HealthStub stub = MakeStub();
  Watching slow(stub, kService);
  EXPECT_EQ(slow.Next(), HealthCheckResponse::SERVING);
  // More than the client has room for, were each one sent.
  constexpr int kChanges = 50000;
  for (int i = 0; i < kChanges; ++i) health_->SetServing(kService, i % 2 == 0);
  health_->SetServing("done", true);
  health_->SetServing(kService, false);
  int read = 0;
  int last = -1;
  while (last != HealthCheckResponse::NOT_SERVING || read == 0) {
    last = slow.Next();
    ASSERT_NE(last, -1);
    ++read;
  }
  EXPECT_LE(read, kChanges);
}

// Its connection is read, for an asynchronous call is under way, and only what it watches is not.
TEST_P(HealthTest, AWatcherThatReadsNothingHoldsUpNoDrain) {
  const HealthStub stub = MakeStub();
  ClientContext context;
  AsyncClientReader<HealthCheckResponse> unread = stub.Async().Watch(context, HealthCheckRequest());
  Watching watching(stub, "");
  EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVING);
  for (int i = 0; i < 50000; ++i) health_->SetServing("", i % 2 == 0);
  // Over gRPC what the library has taken is waited for: see health.h.
  const absl::Time start = absl::Now();
  server_->Shutdown(start + (GetParam() == Transport::kGrpc ? absl::Milliseconds(200) : kPatience));
  EXPECT_LT(absl::Now() - start, kPatience / 2);
}

TEST_P(HealthTest, AWatcherThatGoesIsForgotten) {
  const HealthStub stub = MakeStub();
  for (int i = 0; i < 100; ++i) {
    Watching watching(stub, absl::StrCat("unknown", i));
    EXPECT_EQ(watching.Next(), HealthCheckResponse::SERVICE_UNKNOWN);
    watching.Cancel();
    while (watching.Next() != -1) {
    }
    EXPECT_EQ(watching.Finish().code(), absl::StatusCode::kCancelled);
  }
  for (int i = 0; i < 100; ++i) health_->SetServing(absl::StrCat("unknown", i), true);
  EXPECT_EQ(Check(stub, "unknown7").value(), HealthCheckResponse::SERVING);
}

Task<> WatchToTheEnd(HealthStub stub, Event& serving, Event& not_serving, Event& ended) {
  ClientContext context;
  HealthCheckRequest request;
  AsyncClientReader<HealthCheckResponse> reader = stub.Async().Watch(context, request);
  while (const std::optional<HealthCheckResponse> response = co_await reader.Read()) {
    (response->status() == HealthCheckResponse::SERVING ? serving : not_serving).Happen();
  }
  const absl::Status status = co_await reader.Finish();
  EXPECT_TRUE(status.ok()) << status;
  ended.Happen();
}

int ThreadsOfThisProcess() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<int>(std::distance(begin(threads), end(threads)));
}

TEST_P(HealthTest, ManyWatchersTakeFewThreads) {
#ifdef UDSRPC_SANITIZED
  constexpr int kWatchers = 300;
#else
  constexpr int kWatchers = 3000;
#endif
  const HealthStub stub = MakeStub();
  Event serving;
  Event not_serving;
  Event ended;
  for (int i = 0; i < kWatchers; ++i) {
    Task<> watch = WatchToTheEnd(stub, serving, not_serving, ended);
    Spawn(std::move(watch));
  }
  ASSERT_TRUE(serving.Await(kWatchers));
  EXPECT_LT(ThreadsOfThisProcess(), 60);
  health_->SetServing("", false);
  ASSERT_TRUE(not_serving.Await(kWatchers));
  health_->SetServing("", true);
  ASSERT_TRUE(serving.Await(2 * kWatchers));
  server_->Shutdown();
  EXPECT_TRUE(ended.Await(kWatchers));
  EXPECT_EQ(not_serving.times(), 2 * kWatchers);
}

TEST_P(HealthTest, IsSetByManyThreadsWhileOthersComeAndGo) {
  const HealthStub stub = MakeStub();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([this, i] {
      for (int j = 0; j < 300; ++j) {
        health_->SetServing(kService, j % 2 == i % 2);
        health_->SetMaintenance(j % 3 == 0);
      }
    });
    threads.emplace_back([&stub] {
      for (int j = 0; j < 30; ++j) {
        Watching watching(stub, kService);
        EXPECT_NE(watching.Next(), -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  health_->SetMaintenance(false);
  health_->SetServing(kService, true);
  EXPECT_EQ(Check(stub, kService).value(), HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace udsrpc::testing
