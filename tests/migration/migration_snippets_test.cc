// The snippets of docs/MIGRATING_FROM_GRPC.md: what each step leaves runs with what the others leave.

#include <grpcpp/create_channel.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "helloworld/greeter.grpc.pb.h"
#include "helloworld/greeter.udsrpc.pb.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/channel.h"
#include "udsrpc/grpc_channel.h"
#include "udsrpc/grpc_services.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {
namespace {

namespace before {

// README: before
class Greeter final : public helloworld::Greeter::Service {
  grpc::Status SayHello(grpc::ServerContext* /*context*/, const helloworld::HelloRequest* request,
                        helloworld::HelloReply* reply) override {
    if (request->name().empty()) return {grpc::StatusCode::INVALID_ARGUMENT, "name: it is empty"};
    reply->set_message("Hello, " + request->name() + "!");
    return grpc::Status::OK;
  }
};

std::string SayHello(helloworld::Greeter::Stub& stub, const std::string& name) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  helloworld::HelloRequest request;
  helloworld::HelloReply reply;
  request.set_name(name);
  const grpc::Status status = stub.SayHello(&context, request, &reply);
  return status.ok() ? reply.message() : status.error_message();
}
// README: end

}  // namespace before

using before::Greeter;

// README: server
absl::StatusOr<std::unique_ptr<udsrpc::Server>> Serve(udsrpc::GrpcServices& services, Greeter& greeter,
                                                      const std::string& endpoint) {
  services.Add<helloworld::Greeter>(&greeter);
  udsrpc::ServerBuilder builder;
  builder.AddEndpoint(endpoint);  // "unix:/run/greeter.sock", for gRPC and for seqpacket
  absl::Status status = services.RegisterWith(builder);
  if (!status.ok()) return status;
  return builder.Start();
}
// README: end

// README: client
absl::StatusOr<std::unique_ptr<helloworld::Greeter::Stub>> Connect(const std::string& endpoint) {
  auto channel = udsrpc::CreateChannel(endpoint, {.transport = udsrpc::Transport::kSeqpacket});
  if (!channel.ok()) return channel.status();
  return helloworld::Greeter::NewStub(udsrpc::CreateGrpcChannel(*channel));  // was: grpc::CreateChannel(endpoint, ...)
}
// README: end

namespace after {

// README: after
class Greeter final : public helloworld::GreeterService {
  absl::Status SayHello(udsrpc::ServerContext& /*context*/, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    if (request.name().empty()) return absl::InvalidArgumentError("name: it is empty");
    reply.set_message("Hello, " + request.name() + "!");
    return absl::OkStatus();
  }
};

std::string SayHello(const helloworld::GreeterStub& stub, const std::string& name) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(5));
  helloworld::HelloRequest request;
  helloworld::HelloReply reply;
  request.set_name(name);
  const absl::Status status = stub.SayHello(context, request, reply);
  return status.ok() ? reply.message() : std::string(status.message());
}
// README: end

}  // namespace after

constexpr char kGreeting[] = "Hello, you!";

TEST(MigrationSnippetsTest, EachStepLeavesARunningProgram) {
  const TempDir dir;
  const std::string endpoint = absl::StrCat("unix:", dir.File("s"));
  {
    before::Greeter greeter;
    GrpcServices services;
    const auto server = Serve(services, greeter, endpoint);
    ASSERT_TRUE(server.ok()) << server.status();
    const auto old_stub =
        helloworld::Greeter::NewStub(grpc::CreateChannel(endpoint, grpc::InsecureChannelCredentials()));
    EXPECT_EQ(before::SayHello(*old_stub, "you"), kGreeting);
    const auto stub = Connect(endpoint);
    ASSERT_TRUE(stub.ok()) << stub.status();
    EXPECT_EQ(before::SayHello(**stub, "you"), kGreeting);
    EXPECT_EQ(before::SayHello(**stub, ""), "name: it is empty");
    const auto channel = CreateChannel(endpoint, {.transport = Transport::kSeqpacket});
    ASSERT_TRUE(channel.ok()) << channel.status();
    EXPECT_EQ(after::SayHello(helloworld::GreeterStub(*channel), "you"), kGreeting);
  }
  after::Greeter greeter;
  ServerBuilder builder;
  const auto server = builder.AddEndpoint(endpoint).RegisterService(&greeter).Start();
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = Connect(endpoint);
  ASSERT_TRUE(stub.ok()) << stub.status();
  EXPECT_EQ(before::SayHello(**stub, "you"), kGreeting);
  EXPECT_EQ(after::SayHello(helloworld::GreeterStub(CreateChannel(endpoint).value()), ""), "name: it is empty");
}

}  // namespace
}  // namespace udsrpc::testing
