#ifndef UDSRPC_TESTS_CONFORMANCE_SERVER_CONFORMANCE_H_
#define UDSRPC_TESTS_CONFORMANCE_SERVER_CONFORMANCE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

// What the tests of the server against a raw client share.

namespace udsrpc::testing {

// The service of section 10.
class ExampleService final : public Service {
 public:
  ExampleService() : Service("p.S") { AddMethod(ServerMethod::Unary("/p.S/M", this, &ExampleService::M)); }

 private:
  absl::Status M(ServerContext&, const google::protobuf::StringValue& request, google::protobuf::StringValue& reply) {
    if (request.value() != "abc") return absl::InvalidArgumentError(request.value());
    reply.set_value("de");
    return absl::OkStatus();
  }
};

class ServerConformance : public ::testing::Test {
 protected:
  explicit ServerConformance(const ServerOptions& options = {.max_receive_message_bytes = 10000}) : options_(options) {
    StartServer();
    bystander_ = std::make_unique<TestStub>(*CreateChannel(target_, {.transport = Transport::kSeqpacket}));
    ExpectBystanderServed();
  }

  void StartServer() {
    ServerBuilder builder(options_);
    builder.AddEndpoint(target_, {.grpc = false}).RegisterService(&service_).RegisterService(&example_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Another connection, made before the test did anything, is served as ever.
  void TearDown() override { ExpectBystanderServed(); }

  void ExpectBystanderServed() {
    ClientContext context;
    context.set_timeout(absl::Seconds(20));
    EchoReply reply;
    const absl::Status status = bystander_->Echo(context, EchoRequest(), reply);
    EXPECT_TRUE(status.ok()) << status;
  }

  // The next frame is the server's HELLO.
  static void ExpectHello(RawClient& client) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value());
    EXPECT_TRUE(wire::HelloFrame::Parse(frame->raw()).ok()) << frame->header.ToString();
  }

  // The next frame is the STATUS of `call`; returns its code.
  static absl::StatusCode ExpectStatus(RawClient& client, uint32_t call, bool refused = false) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    if (!frame.has_value()) {
      ADD_FAILURE() << "the connection ended";
      return absl::StatusCode::kDataLoss;
    }
    const absl::StatusOr<wire::StatusFrame> status = wire::StatusFrame::Parse(frame->raw());
    EXPECT_TRUE(status.ok()) << status.status();
    if (!status.ok()) return absl::StatusCode::kDataLoss;
    EXPECT_EQ(status->call, call);
    EXPECT_EQ(status->refused, refused);
    return static_cast<absl::StatusCode>(status->code);
  }

  // The server says goodbye for `reason`, in words that have `words` in them, and closes.
  static void ExpectGoaway(RawClient& client, wire::GoawayReason reason, const std::string& words) {
    const std::optional<ReceivedFrame> frame = client.Receive();
    ASSERT_TRUE(frame.has_value()) << "closed without GOAWAY";
    const absl::StatusOr<wire::GoawayFrame> goaway = wire::GoawayFrame::Parse(frame->raw());
    ASSERT_TRUE(goaway.ok()) << frame->header.ToString();
    EXPECT_EQ(goaway->reason, static_cast<uint32_t>(reason));
    EXPECT_THAT(std::string(goaway->text), ::testing::HasSubstr(words));
    EXPECT_TRUE(client.AtEnd());
  }

  // `packet`, sent after HELLO, is a connection error.
  void ExpectConnectionError(absl::string_view packet, const std::string& words) {
    RawClient client(target_);
    ASSERT_TRUE(client.Send(RawClient::Hello()));
    ExpectHello(client);
    ASSERT_TRUE(client.Send(packet));
    ExpectGoaway(client, wire::GoawayReason::kProtocolError, words);
  }

  // A connection after the exchange of HELLOs.
  RawClient Connect() {
    RawClient client(target_);
    EXPECT_TRUE(client.Send(RawClient::Hello()));
    ExpectHello(client);
    return client;
  }

  TempDir dir_;
  const std::string target_ = absl::StrCat("unix:", dir_.File("s"));
  const ServerOptions options_;
  TestServiceImpl service_;
  ExampleService example_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> bystander_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_CONFORMANCE_SERVER_CONFORMANCE_H_
