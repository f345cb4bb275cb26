#ifndef UDSRPC_TESTS_TOOLS_OBSERVED_SERVER_H_
#define UDSRPC_TESTS_TOOLS_OBSERVED_SERVER_H_

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/introspection.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {

// A server that tells of itself, over both transports, and a stub of its service.
class ObservedServerTest : public ::testing::Test {
 protected:
  ObservedServerTest() {
    ServerBuilder builder;
    builder.AddEndpoint(target_).RegisterService(&service_).AddExtension(&introspection_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    if (server.ok()) server_ = *std::move(server);
    stub_ = std::make_unique<TestStub>(*CreateChannel(target_, {.transport = Transport::kSeqpacket}));
  }

  void Echo(const std::string& text = "text") {
    ClientContext context;
    context.set_timeout(kPatience);
    EchoRequest request;
    EchoReply reply;
    request.set_text(text);
    const absl::Status status = stub_->Echo(context, request, reply);
    EXPECT_TRUE(status.ok()) << status;
  }
  void Fail(int code, const std::string& message) {
    ClientContext context;
    context.set_timeout(kPatience);
    FailRequest request;
    EchoReply reply;
    request.set_code(code);
    request.set_message(message);
    EXPECT_FALSE(stub_->Fail(context, request, reply).ok());
  }

  TempDir dir_;
  const std::string target_ = "unix:" + dir_.path() + "/s";
  TestServiceImpl service_;
  Introspection introspection_{{.max_payload_bytes = 16 << 20}};
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> stub_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_TOOLS_OBSERVED_SERVER_H_
