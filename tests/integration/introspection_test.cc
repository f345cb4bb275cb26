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

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class IntrospectionTest : public ::testing::TestWithParam<Transport> {
 protected:
  void Start(IntrospectionOptions options = {}) {
    introspection_.emplace(std::move(options));
    StartServer();
  }
  void StartServer() {
    ServerBuilder builder;
    builder.AddEndpoint(target_, {.mode = 0666}).RegisterService(&service_).AddExtension(&*introspection_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = *CreateChannel(target_, {.transport = GetParam()});
    stub_ = std::make_unique<TestStub>(channel_);
    introspection_stub_ = std::make_unique<v1::IntrospectionStub>(channel_);
  }

  absl::Status CallNothing(const std::string& path) {
    ClientContext context;
    context.set_timeout(kPatience);
    EchoReply reply;
    return channel_->UnaryCall({path.c_str(), MethodKind::kUnary}, context, EchoRequest(), reply);
  }

  // A stream of the server's calls, from now on.
  struct Watch {
    Watch(const v1::IntrospectionStub& stub, const v1::WatchCallsRequest& request)
        : stream((context.set_timeout(3 * kPatience), stub.WatchCalls(context, request))) {
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

  // The handlers of those who watched end beside their clients.
  bool NobodyWatches() {
    const absl::Time give_up = absl::Now() + kPatience;
    for (; absl::Now() < give_up; std::this_thread::yield()) {
      for (const MethodStats& method : server_->Stats().methods) {
        if (method.method == "/udsrpc.v1.Introspection/WatchCalls" && method.in_flight == 0) return true;
      }
    }
    return false;
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

TEST_P(IntrospectionTest, WhateverAClientNamesIsText) {
  Start();
  Watch watch = WatchCalls();
  EXPECT_EQ(CallNothing("/not.There/\xff\xfe").code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CallNothing("/not.There/" + std::string(500, '\xff')).code(), absl::StatusCode::kUnimplemented);
  Fail(5, std::string(2000, 'x'));
  const std::vector<v1::CallEvent> calls = watch.Next(3);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].method(), "/not.There/\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_LE(calls[1].method().size(), 1024u);
  EXPECT_THAT(calls[1].method(), AllOf(StartsWith("/not.There/\xef\xbf\xbd"), EndsWith("\xef\xbf\xbd...")));
  EXPECT_LE(calls[1].message().size(), 1024u);
  EXPECT_EQ(calls[2].message(), std::string(1021, 'x') + "...");
}

TEST_P(IntrospectionTest, WhatTheyAskForIsBounded) {
  Start();
  std::vector<v1::WatchCallsRequest> requests(3);
  for (int i = 0; i < 65; ++i) requests[0].add_methods("/a");
  requests[1].add_methods(std::string(1025, 'a'));
  for (int i = 0; i < 33; ++i) requests[2].add_codes(1);
  for (const v1::WatchCallsRequest& request : requests) {
    EXPECT_EQ(WatchCalls(request).stream.Finish().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(IntrospectionTest, WhatIsNotTakenInTimeIsDroppedAndCounted) {
  Start({.max_waiting_calls = 4, .max_payload_bytes = 10'000});
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  Watch watch = WatchCalls(request);
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
  Start({.max_payload_bytes = 200});
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

TEST_P(IntrospectionTest, EmptyRequestsTakeRoomAsWell) {
  Start({.max_payload_bytes = 640});
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  Watch watch = WatchCalls(request);
  ClientContext context;
  context.set_timeout(kPatience);
  CollectReply reply;
  auto writer = stub_->Collect(context, reply);
  for (int i = 0; i < 11; ++i) EXPECT_TRUE(writer.Write(EchoRequest()));
  EXPECT_TRUE(writer.Finish().ok());
  const std::vector<v1::CallEvent> calls = watch.Next(1);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].requests_size(), 10);
  EXPECT_TRUE(calls[0].requests_truncated());
  EXPECT_EQ(calls[0].received_messages(), 11u);
}

TEST_P(IntrospectionTest, RequestsAreNotKeptForNobody) {
  Start({.max_payload_bytes = 1000});
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  Watch watch = WatchCalls(request);
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = stub_->Chat(context);
  EchoRequest message;
  EchoReply reply;
  ASSERT_TRUE(stream.Write(message) && stream.Read(reply));
  watch.context.Cancel();
  EXPECT_FALSE(watch.stream.Finish().ok());
  ASSERT_TRUE(NobodyWatches());
  ASSERT_TRUE(stream.Write(message) && stream.Read(reply));
  Watch another = WatchCalls(request);
  stream.WritesDone();
  EXPECT_TRUE(stream.Finish().ok());
  const std::vector<v1::CallEvent> calls = another.Next(1);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_THAT(calls[0].requests(), IsEmpty());
  EXPECT_TRUE(calls[0].requests_truncated());
  EXPECT_EQ(calls[0].received_messages(), 2u);
}

TEST_P(IntrospectionTest, ResponsesAreSplitSoThatClientsTakeThem) {
  Start({.max_payload_bytes = 2 << 20, .max_waiting_bytes = 100 << 20});
  v1::WatchCallsRequest request;
  request.set_payloads(true);
  Watch watch = WatchCalls(request);
  // Far more than a client takes as one message. Nobody reads until all have ended.
  constexpr size_t kCalls = 12;
  for (size_t i = 0; i < kCalls; ++i) ExpectEcho(*stub_, std::string(1'000'000, 'x'));
  EXPECT_EQ(watch.Next(kCalls).size(), kCalls);
  EXPECT_EQ(watch.dropped, 0u);
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

class NeverStarting final : public ServerExtension {
 public:
  absl::Status OnStart(const ServerInfo& /*server*/) override { return absl::InternalError("never"); }
};

TEST_P(IntrospectionTest, AStartThatFailedDoesNotKeepAnybodyFromWatching) {
  introspection_.emplace();
  {
    ServerBuilder builder;
    NeverStarting never;
    builder.AddEndpoint(target_).AddExtension(&*introspection_).AddExtension(&never);
    ASSERT_EQ(builder.Start().status().code(), absl::StatusCode::kInternal);
  }
  StartServer();
  Watch watch = WatchCalls();
  ExpectEcho(*stub_, "a");
  EXPECT_EQ(watch.Next(1).size(), 1u);
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
  for (const IntrospectionOptions& options :
       {IntrospectionOptions{.max_waiting_calls = 0}, {.max_watchers = 0}, {.max_waiting_bytes = 0}}) {
    Introspection introspection(options);
    EXPECT_EQ(introspection.OnStart(ServerInfo()).code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace udsrpc::testing
