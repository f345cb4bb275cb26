// Unary calls from our client transport to our server transport.

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/src/status_details.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "tests/grpc/grpc_server_fixture.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using GrpcUnaryTest = GrpcServerFixture;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// Until the call is cancelled, as its context has it, or for 30 s. Whether it was.
bool AwaitCancelled(const ServerContext& context) {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!context.IsCancelled() && absl::Now() < give_up) std::this_thread::yield();
  return context.IsCancelled();
}

TEST_F(GrpcUnaryTest, IsAnswered) {
  StartServer();
  const auto channel = OurChannel();
  for (const size_t size : {0, 1, 22, 64, 70'000, 3'000'000}) ExpectEcho(*channel, std::string(size, 'x'));
}

TEST_F(GrpcUnaryTest, FromManyThreadsOverOneChannelAndOverMany) {
  StartServer();
  const auto shared = OurChannel();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t, &shared] {
      const auto own = OurChannel();
      for (int i = 0; i < 100; ++i) {
        ExpectEcho(*shared, absl::StrCat(t, " ", i));
        ExpectEcho(*own, absl::StrCat(t, " ", i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted_.times(), 9);
}

TEST_F(GrpcUnaryTest, MayBeMadeByAHandler) {
  std::shared_ptr<Channel> channel;
  service_.script = [&channel](ServerContext&, const StringValue& request, StringValue& reply) {
    if (request.value().empty()) return absl::OkStatus();
    std::string inner;
    absl::Status status = Do(*channel, request.value().substr(1), &inner);
    reply.set_value(absl::StrCat(request.value().substr(0, 1), inner));
    return status;
  };
  channel = OurChannel();
  StartServer();
  ExpectEcho(*channel, "abcdefgh");
  StopServer();
}

// Failures of every kind, by number; OK beyond the last.
absl::Status Failure(size_t number) {
  std::vector<absl::Status> failures;
  for (int code = 1; code <= 16; ++code) {
    failures.emplace_back(static_cast<absl::StatusCode>(code), "");
    failures.emplace_back(static_cast<absl::StatusCode>(code), "\t100% wörds \x7f \"\n");
    failures.push_back(failures.back());
    failures.back().SetPayload("type.googleapis.com/x.Y", absl::Cord(std::string("\0\xff", 2)));
  }
  failures.push_back(absl::AbortedError("opaque"));
  failures.back().SetPayload(kOpaqueDetailsTypeUrl, absl::Cord("\xff no protobuf"));
  return number < failures.size() ? failures[number] : absl::OkStatus();
}

TEST_F(GrpcUnaryTest, BringsCodeMessageAndDetailsOfAFailure) {
  service_.script = [](ServerContext&, const StringValue& request, StringValue&) {
    return Failure(std::stoul(request.value()));
  };
  StartServer();
  const auto channel = OurChannel();
  for (size_t number = 0; !Failure(number).ok(); ++number) {
    EXPECT_EQ(Do(*channel, absl::StrCat(number)), Failure(number));
  }
}

TEST_F(GrpcUnaryTest, CarriesMetadataBothWays) {
  const std::string binary("\0\x01\xff,\n ", 6);
  Metadata seen;
  std::string method;
  service_.script = [&](ServerContext& context, const StringValue&, StringValue&) {
    seen = context.client_metadata();
    method = std::string(context.method());
    EXPECT_TRUE(context.AddInitialMetadata("i", "2").ok());
    EXPECT_TRUE(context.AddInitialMetadata("i", "1").ok());
    EXPECT_TRUE(context.AddInitialMetadata("i-bin", binary).ok());
    EXPECT_TRUE(context.AddTrailingMetadata("t-bin", "").ok());
    EXPECT_TRUE(context.AddTrailingMetadata("t-bin", binary).ok());
    // A prefix of the key of the status details.
    EXPECT_TRUE(context.AddTrailingMetadata("g", "details?").ok());
    return absl::NotFoundError("with metadata");
  };
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  // Keys come sorted, so they are added so.
  for (const auto& [key, value] : std::vector<Metadata::Entry>{
           {"empty", ""}, {"repeated", "2"}, {"repeated", "1"}, {"repeated", "2"}, {"x-bin", ""}, {"x-bin", binary}}) {
    ASSERT_TRUE(context.AddMetadata(key, value).ok());
  }
  EXPECT_EQ(Do(*channel, context, ""), absl::NotFoundError("with metadata"));
  StopServer();
  EXPECT_EQ(seen, context.metadata());
  EXPECT_EQ(method, kDo.path);
  EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("i", "2"), Pair("i", "1"), Pair("i-bin", binary)));
  EXPECT_THAT(context.server_trailing_metadata(),
              ElementsAre(Pair("g", "details?"), Pair("t-bin", ""), Pair("t-bin", binary)));
}

TEST_F(GrpcUnaryTest, ShowsNoMetadataThatNobodyAdded) {
  service_.script = [](ServerContext& context, const StringValue&, StringValue&) {
    EXPECT_TRUE(context.client_metadata().empty());
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  context.set_timeout(absl::Seconds(30));
  EXPECT_TRUE(Do(*channel, context, "").ok());
  EXPECT_TRUE(context.server_initial_metadata().empty());
  EXPECT_TRUE(context.server_trailing_metadata().empty());
}

TEST_F(GrpcUnaryTest, TellsTheHandlerItsDeadline) {
  service_.script = [](ServerContext& context, const StringValue&, StringValue& reply) {
    reply.set_value(absl::FormatTime(absl::RFC3339_full, context.deadline(), absl::UTCTimeZone()));
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  const auto seen_with = [&channel](absl::Duration timeout) {
    ClientContext context;
    context.set_timeout(timeout);
    std::string text;
    absl::Time seen;
    std::string error;
    EXPECT_TRUE(Do(*channel, context, "", &text).ok());
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &seen, &error)) << error;
    return seen;
  };
  EXPECT_EQ(seen_with(absl::InfiniteDuration()), absl::InfiniteFuture());
  EXPECT_EQ(seen_with(absl::Hours(24 * 365 * 300)), absl::InfiniteFuture());
  for (const absl::Duration timeout : {absl::Seconds(100), absl::Hours(30)}) {
    // grpc-timeout has 8 digits at most, and gRPC sends three of those for long timeouts.
    EXPECT_LT(absl::AbsDuration(absl::Now() + timeout - seen_with(timeout)), timeout / 50);
  }
}

TEST_F(GrpcUnaryTest, EndsAtItsDeadlineOnBothSides) {
  Event cancelled;
  service_.script = [&cancelled](ServerContext& context, const StringValue&, StringValue&) {
    EXPECT_FALSE(context.IsCancelled());
    if (AwaitCancelled(context)) cancelled.Happen();
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  context.set_timeout(absl::Milliseconds(50));
  const absl::Time start = absl::Now();
  const absl::Status status = Do(*channel, context, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), AllOf(HasSubstr(kDo.path), HasSubstr(endpoint_.ToString())));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(50));
  EXPECT_TRUE(cancelled.Await());
  StopServer();
}

TEST_F(GrpcUnaryTest, WithADeadlineThatHasPassedIsNotSent) {
  StartServer();
  const auto channel = OurChannel();
  for (const absl::Time deadline : {absl::Now(), absl::UnixEpoch(), absl::UnixEpoch() - absl::Hours(24),
                                    absl::InfinitePast(), absl::Now() - absl::Nanoseconds(1)}) {
    ClientContext context;
    context.set_deadline(deadline);
    const absl::Status status = Do(*channel, context, "");
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(Message(status), HasSubstr("before the call started"));
  }
  ExpectEcho(*channel);
  EXPECT_EQ(accepted_.times(), 1);
}

TEST_F(GrpcUnaryTest, EndsWhenAnotherThreadCancelsIt) {
  Event arrived;
  Event cancelled;
  service_.script = [&](ServerContext& context, const StringValue&, StringValue&) {
    arrived.Happen();
    if (AwaitCancelled(context)) cancelled.Happen();
    return absl::AbortedError("nobody hears this");
  };
  StartServer();
  const auto channel = OurChannel();
  ClientContext context;
  std::thread canceller([&] {
    EXPECT_TRUE(arrived.Await());
    context.Cancel();
  });
  const absl::Status status = Do(*channel, context, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(Message(status), HasSubstr(kDo.path));
  canceller.join();
  EXPECT_TRUE(cancelled.Await());
  StopServer();
}

TEST_F(GrpcUnaryTest, MayBeCancelledAtAnyMoment) {
  StartServer();
  const auto channel = OurChannel();
  ExpectEcho(*channel);
  for (int i = 0; i < 200; ++i) {
    ClientContext context;
    std::atomic<bool> go{false};
    std::thread canceller([&] {
      while (!go) continue;
      for (int spin = 0; spin < i * 50; ++spin) go.load();
      context.Cancel();
    });
    go = true;
    const absl::Status status = Do(*channel, context, "x");
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kCancelled) << status;
    canceller.join();
  }
  ExpectEcho(*channel);
}

TEST_F(GrpcUnaryTest, ThatIsCancelledByItsHandlersOwnStatusKeepsIt) {
  service_.script = [](ServerContext& context, const StringValue&, StringValue&) {
    EXPECT_FALSE(context.IsCancelled());
    return absl::CancelledError("upstream gave up");
  };
  StartServer();
  EXPECT_EQ(Do(*OurChannel(), ""), absl::CancelledError("upstream gave up"));
}

TEST_F(GrpcUnaryTest, OfAHandlerThatThrowsIsUnknown) {
  service_.script = [](ServerContext&, const StringValue& request, StringValue&) -> absl::Status {
    if (request.value() == "boom") throw std::runtime_error("boom");
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  const absl::Status status = Do(*channel, "boom");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(Message(status), HasSubstr("boom"));
  EXPECT_TRUE(Do(*channel, "fine").ok());
}

TEST_F(GrpcUnaryTest, ToWhatIsNotThereIsUnimplemented) {
  StartServer();
  const auto channel = OurChannel();
  for (const auto& [path, words] : std::vector<std::pair<const char*, const char*>>{
           {"/test.Scripted/Nope", "no such method"},
           {"/test.Nope/Do", "does not offer the service"},
           {"/", "does not offer the service"},
           {kList.path, "said OK without a reply"},
       }) {
    ClientContext context;
    StringValue reply;
    const absl::Status status = channel->UnaryCall({path, MethodKind::kUnary}, context, StringValue(), reply);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
    EXPECT_THAT(Message(status), AllOf(HasSubstr(path), HasSubstr(words)));
  }
  ExpectEcho(*channel);
}

TEST_F(GrpcUnaryTest, WithARequestOrAReplyThatDoesNotParseIsInternal) {
  service_.script = [](ServerContext&, const StringValue&, StringValue& reply) {
    reply.set_value("no number");
    return absl::OkStatus();
  };
  StartServer();
  const auto channel = OurChannel();
  // Field 1 of both is of the same wire type, and as text these bytes are no UTF-8.
  google::protobuf::BytesValue request;
  request.set_value("\xff");
  StringValue reply;
  ClientContext context;
  absl::Status status = channel->UnaryCall(kDo, context, request, reply);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("request"), HasSubstr("google.protobuf.StringValue")));

  google::protobuf::ListValue other;
  ClientContext second;
  status = channel->UnaryCall(kDo, second, StringValue(), other);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(status), AllOf(HasSubstr("reply"), HasSubstr("google.protobuf.ListValue")));
}

TEST_F(GrpcUnaryTest, OverALimitIsResourceExhaustedAndTheConnectionGoesOn) {
  service_.script = [](ServerContext& context, const StringValue& request, StringValue& reply) {
    if (request.value() == "big") reply.set_value(std::string(3000, 'r'));
    if (request.value() == "big initial") return context.AddInitialMetadata("i", std::string(30000, 'i'));
    if (request.value() == "big trailing") return context.AddTrailingMetadata("t", std::string(9000, 't'));
    return absl::OkStatus();
  };
  StartServer({.max_receive_message_bytes = 1000, .max_metadata_bytes = 4000});
  const auto channel = OurChannel({.max_receive_message_bytes = 2000, .max_metadata_bytes = 4000});
  for (int i = 0; i < 5; ++i) {
    for (const std::string& request :
         {std::string(1000, 'x'), std::string("big"), std::string("big initial"), std::string("big trailing")}) {
      const absl::Status status = Do(*channel, request);
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << request << ": " << status;
      EXPECT_TRUE(Do(*channel, "fine").ok());
    }
    for (const size_t size : {3968, 4000, 30000}) {
      ClientContext context;
      // 32 bytes and the key's one belong to the entry.
      ASSERT_TRUE(context.AddMetadata("k", std::string(size - 1, 'v')).ok());
      EXPECT_EQ(Do(*channel, context, "").code(),
                size == 3968 ? absl::StatusCode::kOk : absl::StatusCode::kResourceExhausted);
      EXPECT_TRUE(Do(*channel, "fine").ok());
    }
  }
  EXPECT_EQ(accepted_.times(), 1);
}

TEST_F(GrpcUnaryTest, IsNotHeldUpByBlockedHandlers) {
  Event arrived;
  Event open;
  service_.script = [&](ServerContext&, const StringValue& request, StringValue& reply) {
    reply = request;
    if (request.value() != "block") return absl::OkStatus();
    arrived.Happen();
    return open.Await() ? absl::OkStatus() : absl::AbortedError("never opened");
  };
  StartServer();
  const auto channel = OurChannel();
  constexpr int kBlocked = 60;
  std::vector<std::thread> callers;
  for (int i = 0; i < kBlocked; ++i) {
    callers.emplace_back([&channel] { EXPECT_TRUE(Do(*channel, "block").ok()); });
  }
  EXPECT_TRUE(arrived.Await(kBlocked));
  ExpectEcho(*channel);
  ExpectEcho(*OurChannel());
  open.Happen();
  for (std::thread& caller : callers) caller.join();
  StopServer();
}

TEST_F(GrpcUnaryTest, WaitsForAThreadWhereAllAreBlockedAndIsNotRunOnceCancelled) {
  Event arrived;
  Event open;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> in_vain{0};
  service_.script = [&](ServerContext& context, const StringValue&, StringValue&) {
    most = std::max(most.load(), ++running);
    if (context.IsCancelled()) ++in_vain;
    arrived.Happen();
    const bool opened = open.Await();
    --running;
    return opened ? absl::OkStatus() : absl::AbortedError("never opened");
  };
  StartServer({.max_handler_threads = 2});
  const auto channel = OurChannel();
  std::vector<std::thread> callers;
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&channel] { EXPECT_TRUE(Do(*channel, "block").ok()); });
  }
  EXPECT_TRUE(arrived.Await(2));
  for (int i = 0; i < 3; ++i) {
    ClientContext context;
    context.set_timeout(absl::Milliseconds(20));
    EXPECT_EQ(Do(*channel, context, "late").code(), absl::StatusCode::kDeadlineExceeded);
  }
  open.Happen();
  for (std::thread& caller : callers) caller.join();
  StopServer();
  EXPECT_EQ(most, 2);
  EXPECT_EQ(in_vain, 0);
}

}  // namespace
}  // namespace udsrpc::testing
