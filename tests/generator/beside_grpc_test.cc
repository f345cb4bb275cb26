// gRPC's generated code and ours for the same files, in one translation unit and in one program.

#include <memory>
#include <type_traits>

#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "helloworld/greeter.grpc.pb.h"
#include "helloworld/greeter.udsrpc.pb.h"
#include "names/beside_grpc.grpc.pb.h"
#include "names/beside_grpc.udsrpc.pb.h"

namespace {

// One service of each kind, and both on the same messages.
class GrpcGreeter final : public helloworld::Greeter::Service {
 public:
  grpc::Status SayHello(grpc::ServerContext* /*context*/, const helloworld::HelloRequest* request,
                        helloworld::HelloReply* reply) override {
    reply->set_message("gRPC greets " + request->name());
    return grpc::Status::OK;
  }
};

class UdsrpcGreeter final : public helloworld::GreeterService {
 public:
  absl::Status SayHello(udsrpc::ServerContext& /*context*/, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    reply.set_message("udsrpc greets " + request.name());
    return absl::OkStatus();
  }
};

class TestContext final : public udsrpc::ServerContext {
 public:
  absl::string_view method() const override { return "unused"; }
  const udsrpc::Peer& peer() const override { return peer_; }
  bool IsCancelled() const override { return false; }

 private:
  const udsrpc::Peer peer_{};
};

TEST(BesideGrpcTest, BothServicesWorkInOneProgram) {
  helloworld::HelloRequest request;
  request.set_name("you");
  helloworld::HelloReply reply;

  GrpcGreeter grpc_greeter;
  grpc::ServerContext grpc_context;
  EXPECT_TRUE(grpc_greeter.SayHello(&grpc_context, &request, &reply).ok());
  EXPECT_EQ(reply.message(), "gRPC greets you");

  const UdsrpcGreeter udsrpc_greeter;
  TestContext udsrpc_context;
  EXPECT_EQ(udsrpc_greeter.methods()[0].unary()(udsrpc_context, request, reply), absl::OkStatus());
  EXPECT_EQ(reply.message(), "udsrpc greets you");
}

TEST(BesideGrpcTest, BothStubsNameTheSameService) {
  const std::unique_ptr<helloworld::Greeter::Stub> stub =
      helloworld::Greeter::NewStub(grpc::CreateChannel("unix-abstract:nowhere", grpc::InsecureChannelCredentials()));
  EXPECT_NE(stub, nullptr);
  EXPECT_EQ(helloworld::GreeterService().name(), helloworld::Greeter::service_full_name());
}

TEST(BesideGrpcTest, OurClassesGiveWayToThoseOfGrpc) {
  EXPECT_STREQ(names::beside_grpc::GreeterStub::service_full_name(), "names.beside_grpc.GreeterStub");
  EXPECT_TRUE((std::is_constructible_v<names::beside_grpc::GreeterStub_, std::shared_ptr<udsrpc::Channel>>));
}

}  // namespace
