// What a server tells of itself by udsrpc.v1.Introspection.

#include "udsrpc/introspection.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/v1/introspection.udsrpc.pb.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IntrospectionTest : public ::testing::TestWithParam<Transport> {
 protected:
  void Start(IntrospectionOptions options = {}) {
    introspection_.emplace(std::move(options));
    ServerBuilder builder;
    builder.AddEndpoint(target_, {.mode = 0666}).RegisterService(&service_).AddExtension(&*introspection_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = *CreateChannel(target_, {.transport = GetParam()});
    stub_ = std::make_unique<TestStub>(channel_);
    introspection_stub_ = std::make_unique<v1::IntrospectionStub>(channel_);
  }

  // A stream of the server's calls, from now on.
  struct Watch {
    Watch(const v1::IntrospectionStub& stub, const v1::WatchCallsRequest& request)
        : stream((context.set_timeout(kPatience), stub.WatchCalls(context, request))) {
      stream.WaitForInitialMetadata();
    }
    // The next calls, as many as that, or fewer where the stream ends.
    std::vector<v1::CallEvent> Next(size_t count) {
      std::vector<v1::CallEvent> calls;
      v1::WatchCallsResponse response;
      while (calls.size() < count && stream.Read(response)) {
        calls.insert(calls.end(), response.calls().begin(), response.calls().end());
        dropped = response.dropped();
      }
      return calls;
    }
    ClientContext context;
    ClientReader<v1::WatchCallsResponse> stream;
    uint64_t dropped = 0;
  };
  Watch WatchCalls(const v1::WatchCallsRequest& request = {}) { return Watch(*introspection_stub_, request); }

  absl::StatusCode Fail(int code, const std::string& message) {
    ClientContext context;
    context.set_timeout(kPatience);
    FailRequest request;
    request.set_code(code);
    request.set_message(message);
    EchoReply reply;
    return stub_->Fail(context, request, reply).code();
  }

  absl::StatusOr<v1::GetStatsResponse> GetStats() {
    ClientContext context;
    context.set_timeout(kPatience);
    v1::GetStatsResponse stats;
    const absl::Status status = introspection_stub_->GetStats(context, v1::GetStatsRequest(), stats);
    if (!status.ok()) return status;
    return stats;
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.path() + "/s";
  TestServiceImpl service_;
  std::optional<Introspection> introspection_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<Channel> channel_;
  std::unique_ptr<TestStub> stub_;
  std::unique_ptr<v1::IntrospectionStub> introspection_stub_;
};

INSTANTIATE_TEST_SUITE_P(All, IntrospectionTest, OneByOne(), TransportTestName);

TEST_P(IntrospectionTest, TellsWhatTheServerHasCounted) {
  Start();
  ExpectEcho(*stub_, "a");
  EXPECT_EQ(Fail(5, "no such thing"), absl::StatusCode::kNotFound);
  const absl::StatusOr<v1::GetStatsResponse> stats = GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->pid(), getpid());
  int seen = 0;
  for (const v1::MethodStats& method : stats->methods()) {
    if (method.method() == "/udsrpc.testing.Test/Echo") {
      ++seen;
      EXPECT_EQ(method.started(), 1u);
      EXPECT_EQ(method.latency().buckets_size(), 1);
    } else if (method.method() == "/udsrpc.testing.Test/Fail") {
      ++seen;
      ASSERT_EQ(method.ended_size(), 1);
      EXPECT_EQ(method.ended(0).code(), 5);
    } else if (method.method() == "/udsrpc.v1.Introspection/GetStats") {
      ++seen;
      EXPECT_EQ(method.in_flight(), 1u);  // this one
    }
  }
  EXPECT_EQ(seen, 3);
  ASSERT_EQ(stats->peers_size(), 1);
  EXPECT_EQ(stats->peers(0).uid(), geteuid());
  EXPECT_EQ(stats->transports_size(), 2);
}

TEST_P(IntrospectionTest, ThoseWhoWatchSeeCallsAsTheyEnd) {
  Start();
  Watch watch = WatchCalls();
  ExpectEcho(*stub_, "four");
  EXPECT_EQ(Fail(5, "no such thing"), absl::StatusCode::kNotFound);
  const std::vector<v1::CallEvent> calls = watch.Next(2);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].method(), "/udsrpc.testing.Test/Echo");
  EXPECT_EQ(calls[0].code(), 0);
  EXPECT_EQ(calls[0].received_bytes(), 6u);
  EXPECT_EQ(calls[0].sent_messages(), 1u);
  EXPECT_EQ(calls[0].pid(), getpid());
  EXPECT_EQ(calls[0].uid(), geteuid());
  EXPECT_EQ(calls[0].transport(), GetParam() == Transport::kGrpc ? "grpc" : "seqpacket");
  EXPECT_GT(calls[0].latency().nanos(), 0);
  EXPECT_THAT(calls[0].requests(), IsEmpty());
  EXPECT_EQ(calls[1].code(), 5);
  EXPECT_EQ(calls[1].message(), "no such thing");
  EXPECT_EQ(watch.dropped, 0u);
  watch.context.Cancel();
  EXPECT_EQ(watch.stream.Finish().code(), absl::StatusCode::kCancelled);
}

TEST_P(IntrospectionTest, TheySeeWhatTheyAskFor) {
  Start();
  v1::WatchCallsRequest request;
  request.add_methods("/udsrpc.testing.Test/F");
  request.add_methods("/other");
  request.add_codes(0);
  request.add_codes(5);
  request.set_only_errors(true);
  Watch watch = WatchCalls(request);
  ExpectEcho(*stub_, "a");
  Fail(0, "");
  Fail(3, "another");
  Fail(5, "this");
  Fail(5, "that");
  const std::vector<v1::CallEvent> calls = watch.Next(2);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].message(), "this");
  EXPECT_EQ(calls[1].message(), "that");
}

TEST_P(IntrospectionTest, WhatIsNotTakenInTimeIsDroppedAndCounted) {
  Start({.max_waiting_calls = 4});
  Watch watch = WatchCalls();
  // More than fit into what waits, the stream and the socket. Nobody reads meanwhile.
  const std::string long_message(4000, 'x');
  constexpr size_t kCalls = 1500;
  for (size_t i = 0; i < kCalls; ++i) Fail(5, long_message);
  size_t seen = 0;
  v1::WatchCallsResponse response;
  while (seen + response.dropped() < kCalls && watch.stream.Read(response)) {
    seen += static_cast<size_t>(response.calls_size());
  }
  EXPECT_EQ(seen + response.dropped(), kCalls);
  EXPECT_GT(response.dropped(), 0u);
}

TEST_P(IntrospectionTest, RequestsAreShownWhereTheServerAllowsIt) {
  Start({.max_payload_bytes = 100});
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  Watch watch = WatchCalls(request);
  ExpectEcho(*stub_, "short");
  ExpectEcho(*stub_, std::string(200, 'x'));
  ClientContext context;
  context.set_timeout(kPatience);
  CollectReply reply;
  auto writer = stub_->Collect(context, reply);
  EchoRequest message;
  for (const char* text : {"one", "two"}) {
    message.set_text(text);
    EXPECT_TRUE(writer.Write(message));
  }
  EXPECT_TRUE(writer.Finish().ok());
  const std::vector<v1::CallEvent> calls = watch.Next(3);
  ASSERT_EQ(calls.size(), 3u);
  message.set_text("short");
  EXPECT_THAT(calls[0].requests(), ElementsAre(message.SerializeAsString()));
  EXPECT_FALSE(calls[0].requests_truncated());
  EXPECT_THAT(calls[1].requests(), IsEmpty());
  EXPECT_TRUE(calls[1].requests_truncated());
  EXPECT_EQ(calls[2].requests_size(), 2);
  EXPECT_EQ(calls[2].received_messages(), 2u);
}

TEST_P(IntrospectionTest, RequestsAreNotShownOtherwise) {
  Start();
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  Watch watch = WatchCalls(request);
  const absl::Status status = watch.stream.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_payload_bytes"));
}

TEST_P(IntrospectionTest, OnlySoManyWatch) {
  Start({.max_watchers = 1});
  {
    Watch first = WatchCalls();
    Watch second = WatchCalls();
    EXPECT_EQ(second.stream.Finish().code(), absl::StatusCode::kResourceExhausted);
    first.context.Cancel();
    EXPECT_FALSE(first.stream.Finish().ok());
  }
  // The first one's handler ends beside this.
  for (const absl::Time give_up = absl::Now() + kPatience; absl::Now() < give_up; std::this_thread::yield()) {
    Watch third = WatchCalls();
    ExpectEcho(*stub_, "a");
    if (third.Next(1).size() == 1) return;
  }
  ADD_FAILURE() << "there is never room for another";
}

TEST_P(IntrospectionTest, ToWatchEndsWithTheServerAndDoesNotHoldItUp) {
  Start();
  Watch watch = WatchCalls();
  ExpectEcho(*stub_, "a");
  std::thread reader([&] {
    EXPECT_EQ(watch.Next(2).size(), 1u);
    const absl::Status status = watch.stream.Finish();
    EXPECT_TRUE(status.ok()) << status;
  });
  server_->Shutdown();  // with no deadline
  reader.join();
}

TEST_P(IntrospectionTest, IsForTheServersOwnUserAndRoot) {
  Start();
  for (const auto& [path, options] : introspection_->method_options()) {
    EXPECT_THAT(options.allowed_uids, ElementsAre(geteuid())) << path;
    EXPECT_THAT(options.allowed_gids, IsEmpty());
  }
  ASSERT_EQ(introspection_->method_options().size(), 2u);
}

TEST(IntrospectionOptionsTest, LimitsBelowOneAreRefused) {
  Introspection introspection({.max_watchers = 0});
  EXPECT_EQ(introspection.OnStart(ServerInfo()).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace udsrpc::testing
