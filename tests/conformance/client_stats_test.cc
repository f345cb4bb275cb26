// A call that the client makes again (PROTOCOL.md, section 4.3: refused) is one call of its caller's, and counted as
// such, with what was sent the last time.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/client_conformance.h"
#include "udsrpc/async_client.h"
#include "udsrpc/spawn.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;

constexpr MethodDescriptor kUnaryEcho{"/udsrpc.testing.Test/Echo", MethodKind::kUnary};
constexpr MethodDescriptor kStreamedEcho{"/udsrpc.testing.Test/Echo", MethodKind::kServerStreaming};

class ClientStatsOfCallsMadeAgain : public ClientConformance {
 protected:
  using Caller = std::function<absl::Status(Channel& channel, ClientContext& context, const EchoRequest& request)>;

  // The call is refused `refusals` times, and then answered, or with `refusals` of 3 given up.
  void ExpectCountedOnce(const Caller& caller, int refusals, absl::StatusCode code) {
    const std::shared_ptr<Channel> channel = *CreateChannel(target_, {.transport = Transport::kSeqpacket});
    EchoRequest request;
    request.set_text("four");
    ClientContext context;
    context.set_timeout(kPatience);
    absl::Status status;
    std::thread thread([&] { status = caller(*channel, context, request); });
    for (int i = 0; i < refusals; ++i) {
      RawServerConnection client = Accept();
      const auto call = ReceiveCall(client);
      EXPECT_TRUE(client.Send(Hello() + Refused(call->id(), absl::StatusCode::kUnavailable)));
      EXPECT_FALSE(client.Receive().has_value());
      EXPECT_LE(channel->Stats().methods[0].started, 1u);
    }
    RawServerConnection last;
    if (code == absl::StatusCode::kOk) {
      last = Accept();
      EXPECT_TRUE(last.Send(Hello() + Ok(ReceiveCall(last)->id(), "four")));
    }
    thread.join();
    EXPECT_EQ(status.code(), code) << status;
    const MethodStats stats = channel->Stats().methods[0];
    EXPECT_EQ(stats.method, kUnaryEcho.path);
    EXPECT_EQ(stats.started, 1u);
    EXPECT_EQ(stats.in_flight, 0u);
    EXPECT_THAT(stats.ended, ElementsAre(::testing::Pair(code, 1u)));
    EXPECT_EQ(stats.latency.count(), 1u);
    EXPECT_EQ(stats.sent_messages, 1u);
    EXPECT_EQ(stats.sent_bytes, request.ByteSizeLong());
    EXPECT_EQ(stats.received_messages, code == absl::StatusCode::kOk ? 1u : 0u);
  }
  void ExpectCountedOnce(const Caller& caller) {
    ExpectCountedOnce(caller, 2, absl::StatusCode::kOk);
    ExpectCountedOnce(caller, 3, absl::StatusCode::kUnavailable);
  }
};

TEST_F(ClientStatsOfCallsMadeAgain, BlockingUnary) {
  ExpectCountedOnce([](Channel& channel, ClientContext& context, const EchoRequest& request) {
    EchoReply reply;
    return channel.UnaryCall(kUnaryEcho, context, request, reply);
  });
}

TEST_F(ClientStatsOfCallsMadeAgain, UnaryWithACallback) {
  ExpectCountedOnce([](Channel& channel, ClientContext& context, const EchoRequest& request) {
    EchoReply reply;
    absl::Status result;
    Event done;
    channel.UnaryCall(kUnaryEcho, context, request, reply, [&](absl::Status status) {
      result = std::move(status);
      done.Happen();
    });
    EXPECT_TRUE(done.Await());
    return result;
  });
}

TEST_F(ClientStatsOfCallsMadeAgain, AwaitedStream) {
  ExpectCountedOnce([](Channel& channel, ClientContext& context, const EchoRequest& request) {
    return SyncWait([](Channel& channel, ClientContext& context, const EchoRequest& request) -> Task<absl::Status> {
      AsyncClientReader<EchoReply> reader(channel.StartStreamingCall(kStreamedEcho, context, &request), context);
      while (co_await reader.Read()) {
      }
      co_return co_await reader.Finish();
    }(channel, context, request));
  });
}

// Once it has been opened, its caller may have written more.
TEST_F(ClientStatsOfCallsMadeAgain, BlockingStreamIsNot) {
  ExpectCountedOnce(
      [](Channel& channel, ClientContext& context, const EchoRequest& request) {
        ClientReader<EchoReply> reader(channel.StreamingCall(kStreamedEcho, context, &request));
        EchoReply reply;
        while (reader.Read(reply)) {
        }
        return reader.Finish();
      },
      1, absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace udsrpc::testing
