// Transport::kAuto: seqpacket where the server offers it, else gRPC.

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/integration/combinations.h"
#include "tests/support/raw_server.h"

namespace udsrpc::testing {
namespace {

// Takes the next call, and ends its connection.
void DropNextCall(RawServer& server) {
  RawServerConnection client = server.Accept();
  EXPECT_FALSE(client.ReceivePacket().empty());
}

class AutoTransportTest : public ::testing::Test {
 protected:
  std::unique_ptr<Server> Serve(EndpointOptions options) {
    ServerBuilder builder;
    builder.AddEndpoint(target_, options).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  TestServiceImpl service_;
};

TEST_F(AutoTransportTest, UsesWhateverTheServerOffers) {
  for (const EndpointOptions& options :
       {EndpointOptions{}, EndpointOptions{.seqpacket = false}, EndpointOptions{.grpc = false}}) {
    const std::unique_ptr<Server> server = Serve(options);
    ExpectEcho(TestStub(*CreateChannel(target_, {.transport = Transport::kAuto})), "hello");
  }
}

TEST_F(AutoTransportTest, PrefersSeqpacket) {
  const std::unique_ptr<Server> server = Serve({.seqpacket = false});
  RawServer seqpacket(target_);
  const TestStub stub(*CreateChannel(target_, {.transport = Transport::kAuto}));
  absl::Status unary;
  std::thread caller([&] { unary = TryEcho(stub); });
  DropNextCall(seqpacket);
  caller.join();
  EXPECT_EQ(unary.code(), absl::StatusCode::kUnavailable) << unary;
  absl::Status streaming;
  std::thread reader([&] {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    streaming = stub.Count(context, InflateRequest()).Finish();
  });
  DropNextCall(seqpacket);
  reader.join();
  EXPECT_EQ(streaming.code(), absl::StatusCode::kUnavailable) << streaming;
}

TEST_F(AutoTransportTest, FollowsAServerThatOffersAnotherTransportAfterItsRestart) {
  const TestStub stub(*CreateChannel(target_, {.transport = Transport::kAuto}));
  {
    const std::unique_ptr<Server> server = Serve({});
    ExpectEcho(stub, "over seqpacket");
  }
  const std::unique_ptr<Server> server = Serve({.seqpacket = false});
  ExpectEcho(stub, "over gRPC");
}

TEST_F(AutoTransportTest, UsesGrpcWhereThePathIsTooLongForSeqpacket) {
  const std::string target = absl::StrCat("unix:", dir_.File(std::string(100 - dir_.path().size(), 'x')));
  ServerBuilder builder;
  builder.AddEndpoint(target, {.seqpacket = false}).RegisterService(&service_);
  const absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
  ASSERT_TRUE(server.ok()) << server.status();
  ExpectEcho(TestStub(*CreateChannel(target, {.transport = Transport::kAuto})), "hello");
}

TEST_F(AutoTransportTest, ToNobodyIsUnavailable) {
  ClientContext context;
  EchoReply reply;
  EXPECT_EQ(
      TestStub(*CreateChannel(target_, {.transport = Transport::kAuto})).Echo(context, EchoRequest(), reply).code(),
      absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace udsrpc::testing
