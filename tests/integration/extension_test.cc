// What is registered at a server beside services, and follows its life.

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/integration/combinations.h"
#include "tests/support/event.h"
#include "udsrpc/server_extension.h"

namespace udsrpc::testing {
namespace {

using ::testing::ElementsAre;

class TestExtension final : public ServerExtension {
 public:
  explicit TestExtension(absl::Status start = absl::OkStatus()) : start_(std::move(start)) {}

  std::vector<Service*> services() override { return {&service_}; }
  absl::Status OnStart(const ServerInfo& server) override {
    info_ = &server;
    started_.Happen();
    return start_;
  }
  // Lets go of what waits in the extension's own handlers.
  void OnEnd() override {
    ended_.Happen();
    service_.Open("gate");
  }

  TestServiceImpl& service() { return service_; }
  const ServerInfo& info() const { return *info_; }
  int started() const { return started_.times(); }
  int ended() const { return ended_.times(); }
  bool AwaitEnd() { return ended_.Await(); }

 private:
  const absl::Status start_;
  TestServiceImpl service_;
  const ServerInfo* info_ = nullptr;
  Event started_;
  Event ended_;
};

class ExtensionTest : public ::testing::TestWithParam<Transport> {
 protected:
  std::string target() const { return "unix:" + dir_.path() + "/s"; }

  absl::StatusOr<std::unique_ptr<Server>> Start(std::vector<ServerExtension*> extensions) {
    ServerBuilder builder;
    builder.AddEndpoint(target(), AllTransports());
    for (ServerExtension* extension : extensions) builder.AddExtension(extension);
    return builder.Start();
  }

  TestStub MakeStub() { return TestStub(*CreateChannel(target(), {.transport = GetParam()})); }

  TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(All, ExtensionTest, OneByOne(), TransportTestName);

TEST_P(ExtensionTest, ItsServicesAreOfferedAndItKnowsTheServer) {
  TestExtension extension;
  absl::StatusOr<std::unique_ptr<Server>> server = Start({&extension});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(extension.started(), 1);
  EXPECT_THAT(extension.info().services, ElementsAre(&extension.service()));
  EXPECT_THAT(extension.info().endpoints, ElementsAre(target()));
  EXPECT_TRUE(TryEcho(MakeStub()).ok());
  EXPECT_EQ(extension.ended(), 0);
  (*server)->Shutdown();
  (*server).reset();
  EXPECT_EQ(extension.ended(), 1);
}

TEST_P(ExtensionTest, EndsWhatWaitsInItsHandlersWhenTheServerEnds) {
  TestExtension extension;
  absl::StatusOr<std::unique_ptr<Server>> server = Start({&extension});
  ASSERT_TRUE(server.ok()) << server.status();
  const TestStub stub = MakeStub();
  ClientContext context;
  BlockRequest request;
  request.set_gate("gate");
  EchoReply reply;
  Event done;
  stub.Async().Block(context, request, reply, [&](absl::Status status) {
    EXPECT_TRUE(status.ok()) << status;
    done.Happen();
  });
  ASSERT_TRUE(extension.service().AwaitArrivals("gate", 1));
  (*server)->Shutdown();  // which would wait for ever
  EXPECT_TRUE(done.Await());
}

TEST_P(ExtensionTest, OneThatCannotStartIsTheServersFailure) {
  TestExtension first;
  TestExtension second(absl::FailedPreconditionError("not today"));
  absl::StatusOr<std::unique_ptr<Server>> server = Start({&second, &first});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kAlreadyExists);  // two services of one name
  server = Start({&second});
  EXPECT_EQ(server.status(), absl::FailedPreconditionError("not today"));
  EXPECT_EQ(second.started(), 1);
  EXPECT_EQ(second.ended(), 0);
  EXPECT_EQ(access((dir_.path() + "/s.seqpacket").c_str(), F_OK), -1);
  EXPECT_EQ(Start({nullptr}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace udsrpc::testing
