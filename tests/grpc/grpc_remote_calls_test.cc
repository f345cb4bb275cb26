// Leaving the host: calls of all kinds over TLS, to the same service that a Unix endpoint has.

#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/grpc/grpc_remote_fixture.h"
#include "tests/support/event.h"
#include "tests/support/grpc_tls.h"
#include "tests/support/test_service.h"
#include "udsrpc/async_client.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

using GrpcRemoteCallsTest = GrpcRemoteTest;

TEST_F(GrpcRemoteCallsTest, BothEndpointsServeAndTheTargetIsAllThatChanges) {
  Serve({});
  EXPECT_THAT(target_, StartsWith("dns:///localhost:"));
  EXPECT_NE(target_, "dns:///localhost:0");
  for (const Transport transport : {Transport::kGrpc, Transport::kAuto}) {
    const ChannelOptions options{.transport = transport, .credentials = TlsClient()};
    for (const std::string& target : server_->endpoints()) {
      absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target, options);
      ASSERT_TRUE(channel.ok()) << channel.status();
      EXPECT_EQ((*channel)->target(), target);
      ExpectEcho(*channel, absl::StrCat("hello ", target));
      ExpectEcho(*channel, std::string(300000, 'x'));
    }
  }
  EXPECT_EQ(Connect({.transport = Transport::kAuto})->transport(), Transport::kGrpc);
}

TEST_F(GrpcRemoteCallsTest, AllKindsOfCallsAreServed) {
  Serve({});
  const TestStub stub(Connect());
  {
    ClientContext context;
    context.set_timeout(kPatience);
    InflateRequest request;
    request.set_messages(3);
    request.set_bytes(10);
    ClientReader<EchoReply> reader = stub.Count(context, request);
    EchoReply reply;
    int messages = 0;
    while (reader.Read(reply)) ++messages;
    EXPECT_EQ(messages, 3);
    EXPECT_TRUE(reader.Finish().ok());
  }
  {
    ClientContext context;
    context.set_timeout(kPatience);
    CollectReply reply;
    auto writer = stub.Collect(context, reply);
    EchoRequest request;
    request.set_text("four");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(writer.Write(request));
    EXPECT_TRUE(writer.WritesDone());
    EXPECT_TRUE(writer.Finish().ok());
    EXPECT_EQ(reply.messages(), 5U);
    EXPECT_EQ(reply.bytes(), 20U);
  }
  ClientContext context;
  context.set_timeout(kPatience);
  auto stream = stub.Chat(context);
  EchoRequest request;
  EchoReply reply;
  for (const char* text : {"one", "two"}) {
    request.set_text(text);
    EXPECT_TRUE(stream.Write(request));
    ASSERT_TRUE(stream.Read(reply));
    EXPECT_EQ(reply.text(), text);
  }
  request.set_text("abort");
  EXPECT_TRUE(stream.Write(request));
  EXPECT_FALSE(stream.Read(reply));
  EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kAborted);
}

TEST_F(GrpcRemoteCallsTest, ACompletionGetsTheReply) {
  Serve({});
  const TestStub stub(Connect());
  ClientContext context;
  context.set_timeout(kPatience);
  EchoRequest request;
  EchoReply reply;
  request.set_text("later");
  Event done;
  absl::Status status;
  stub.Async().Echo(context, request, reply, [&](absl::Status result) {
    status = std::move(result);
    done.Happen();
  });
  ASSERT_TRUE(done.Await());
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply.text(), "later");
}

TEST_F(GrpcRemoteCallsTest, StatusAndMetadataAreCarriedBothWays) {
  Serve({});
  const TestStub stub(Connect());
  {
    ClientContext context;
    FailRequest request;
    EchoReply reply;
    request.set_code(9);
    request.set_message("\t% wörds \n");
    auto& payload = *request.add_payloads();
    payload.set_key("type.googleapis.com/x.Y");
    payload.set_value(std::string("\0\xff", 2));
    absl::Status expected(absl::StatusCode::kFailedPrecondition, request.message());
    expected.SetPayload("type.googleapis.com/x.Y", absl::Cord(std::string("\0\xff", 2)));
    EXPECT_EQ(stub.Fail(context, request, reply), expected);
  }
  ClientContext context;
  ASSERT_TRUE(context.AddMetadata("some-bin", std::string("\0\x01\xff", 3)).ok());
  LookRequest request;
  LookReply reply;
  auto& first = *request.add_initial_metadata();
  first.set_key("first");
  first.set_value("a");
  auto& last = *request.add_trailing_metadata();
  last.set_key("last");
  last.set_value("z");
  const absl::Status status = stub.Look(context, request, reply);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(reply.metadata_size(), 1);
  EXPECT_EQ(reply.metadata(0).value(), std::string("\0\x01\xff", 3));
  EXPECT_THAT(context.server_initial_metadata(), ElementsAre(Pair("first", "a")));
  EXPECT_THAT(context.server_trailing_metadata(), ElementsAre(Pair("last", "z")));
}

TEST_F(GrpcRemoteCallsTest, DeadlineAndCancelEndTheCallAndTheHandlerHearsOfIt) {
  Serve({});
  const TestStub stub(Connect());
  BlockRequest request;
  EchoReply reply;
  request.set_gate("deadline");
  ClientContext context;
  context.set_timeout(absl::Seconds(1));
  const absl::Status late = stub.Block(context, request, reply);
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_THAT(TextOf(late), HasSubstr(target_));
  EXPECT_TRUE(service_.AwaitCancelled("deadline", 1));

  request.set_gate("cancel");
  ClientContext cancelled;
  std::thread canceller([this, &cancelled] {
    EXPECT_TRUE(service_.AwaitArrivals("cancel", 1));
    cancelled.Cancel();
  });
  EXPECT_EQ(stub.Block(cancelled, request, reply).code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(service_.AwaitCancelled("cancel", 1));
}

TEST_F(GrpcRemoteCallsTest, DescriptorsDoNotLeaveTheHost) {
  Serve({});
  ClientContext context;
  context.AttachFd(UniqueFd(dup(0)));
  EchoReply reply;
  EXPECT_EQ(TestStub(Connect()).Echo(context, EchoRequest(), reply).code(), absl::StatusCode::kFailedPrecondition);
  const std::shared_ptr<Channel> channel = Connect();
  ExpectEcho(channel);
}

}  // namespace
}  // namespace udsrpc::testing
